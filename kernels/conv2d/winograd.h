// Work decomposition of a Winograd convolution.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels::cpu {

/// Four output rows of one image: y0, y0 + dilation, y0 + 2·dilation, y0 + 3·dilation.
struct WinogradJob {
  std::array<const float*, 2> in = {};           // the image's maps
  std::array<std::int64_t, 2> in_channels = {};  // multiples of kWinogradChunk
  std::int64_t h = 0, w = 0, dilation = 1;
  const float* packed = nullptr;     // packed by pack_winograd
  std::int64_t packed_channels = 0;  // input channels in `packed`; the job may use only the first of them
  std::int64_t groups = 0;           // of output channels
  std::int64_t y0 = 0;
  std::int64_t batch = 0;  // tiles transformed before they are multiplied
};

/// The first rows of the tiles that cover a map of h rows; also used for columns.
std::vector<std::int64_t> winograd_first_rows(std::int64_t h, std::int64_t dilation);

/// The tiles of a convolution's outputs, over all images, row by row.
struct WinogradTiles {
  explicit WinogradTiles(const Conv2dProblem& problem);

  std::int64_t count() const { return n * per_image(); }
  std::int64_t per_image() const { return static_cast<std::int64_t>(rows.size() * columns.size()); }

  std::int64_t n;
  std::vector<std::int64_t> rows, columns;  // first row or column of each tile
};

/// The partition of the work: batches of tiles, and, if there are fewer batches than threads, splits of the
/// groups of output channels. Results do not depend on it.
struct WinogradPartition {
  WinogradPartition(const Conv2dProblem& problem, const WinogradTiles& tiles);

  std::int64_t batch, batches, group_splits;
};

}  // namespace sapnet::kernels::cpu
