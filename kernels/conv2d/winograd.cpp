#include "kernels/conv2d/winograd.h"

#include <algorithm>

namespace sapnet::kernels::cpu {

std::vector<std::int64_t> winograd_first_rows(std::int64_t h, std::int64_t dilation) {
  std::vector<std::int64_t> rows;
  for (std::int64_t phase = 0; phase < std::min(dilation, h); ++phase)
    for (std::int64_t y0 = phase; y0 < h; y0 += 4 * dilation) rows.push_back(y0);
  return rows;
}

}  // namespace sapnet::kernels::cpu
