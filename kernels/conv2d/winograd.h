// One piece of work of a Winograd convolution.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sapnet::kernels::cpu {

/// Four output rows of one image: y0, y0 + dilation, y0 + 2·dilation, y0 + 3·dilation.
struct WinogradJob {
  std::array<const float*, 2> in = {};           // this image's maps
  std::array<std::int64_t, 2> in_channels = {};  // multiples of kWinogradChunk
  std::int64_t h = 0, w = 0, dilation = 1;
  const float* packed = nullptr;     // as pack_winograd made it
  std::int64_t packed_channels = 0;  // input channels in `packed`; the job may use just the first of them
  std::int64_t groups = 0;           // of output channels
  std::int64_t y0 = 0;
};

/// The first rows of the jobs that cover a map of h rows.
std::vector<std::int64_t> winograd_first_rows(std::int64_t h, std::int64_t dilation);

}  // namespace sapnet::kernels::cpu
