#include "kernels/conv2d/winograd.h"

#include <algorithm>

#include "kernels/conv2d/packing.h"
#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

std::vector<std::int64_t> winograd_first_rows(std::int64_t h, std::int64_t dilation) {
  std::vector<std::int64_t> rows;
  for (std::int64_t phase = 0; phase < std::min(dilation, h); ++phase)
    for (std::int64_t y0 = phase; y0 < h; y0 += 4 * dilation) rows.push_back(y0);
  return rows;
}

WinogradTiles::WinogradTiles(const Conv2dProblem& p)
    : n(p.n), rows(winograd_first_rows(p.h, p.dilation)), columns(winograd_first_rows(p.w, p.dilation)) {}

WinogradPartition::WinogradPartition(const Conv2dProblem& p, const WinogradTiles& tiles) {
  // More channels mean more weights, which more tiles should amortise. Batches are multiples of the register
  // block, 14 tiles where it is largest.
  constexpr std::int64_t kFew = 28, kMany = 84, kManyChannels = 128, kBlock = 14;
  const std::int64_t most = p.total_in_channels() < kManyChannels ? kFew : kMany;
  batches = (tiles.count() + most - 1) / most;
  batch = ((tiles.count() + batches - 1) / batches + kBlock - 1) / kBlock * kBlock;
  const std::int64_t groups = p.out_channels / kWinogradGroup;
  group_splits = std::min<std::int64_t>(groups, (threads() + batches - 1) / batches);
}

}  // namespace sapnet::kernels::cpu
