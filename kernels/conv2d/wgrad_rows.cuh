// The weight gradient of a 3×3 convolution of stride 1 on maps of 32 channels, on the tensor cores: for each
// tap a matrix product with the pixels as the reduction dimension. As in rows.cuh, a block walks down the
// rows of one phase, y mod dilation, so that for any dilation the three rows of grad_preactivation that are
// multiplied by an input row are adjacent, and each is read from global memory once.
//
// A block sums 32 inputs × 32 outputs, each of its four warps 16 × 16 for all nine taps: three rows of
// grad_preactivation and three shifts of an input row give nine products. Per 16 pixels a warp reads 6 · 512
// bytes of shared memory for 18 · 2048 multiply-adds, which balances shared memory and tensor cores.
//
// One side may be thin, like SAPNet's input and output images: its channels, of one map or of two
// concatenated maps, are zero-padded to 16. Two warps then cover all channel pairs, and the four warps split
// the pixels in half. Images are fp32 and are rounded to fp16 as they are loaded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/rows.cuh"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/gpu.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::wgrad_rows {

inline constexpr int kTile = rows::kMapChannels;  // channels of a side
inline constexpr int kThin = 16;                  // channels of a thin side at most
inline constexpr int kWarpTile = 16;              // channels of either side per warp
inline constexpr int kThreads = kTile / kWarpTile * kTile / kWarpTile * gpu::kWarp;
inline constexpr int kStep = 16;         // pixels per mma
inline constexpr int kMaxColumns = 128;  // per strip
inline constexpr int kMaxDilation = 16;
inline constexpr int kInputRows = 2;  // in shared memory: the current one and the next
inline constexpr int kGradRows = 6;   // three for the current row, three if the next begins a phase
inline constexpr int kBlocks = 2;     // resident per multiprocessor, for register allocation
inline constexpr int kProducts = kWarpTile / 8;     // per tap, each 16 outputs × 8 inputs
inline constexpr int kSums = 9 * kProducts + 1;     // per warp; the last is the bias's
inline constexpr std::uint32_t kOnes = 0x3c003c00;  // two fp16 ones: an mma with ones computes a sum

/// Number of warps that sum the same kIn × kOut channel pairs over different pixels.
template <int kIn, int kOut>
inline constexpr int kPixelSplits = kThreads / gpu::kWarp / (kIn / kWarpTile * kOut / kWarpTile);

/// Shared memory of a block for rows of `columns` columns; at the end it is reused to combine the warps'
/// sums.
template <int kIn, int kOut>
constexpr std::size_t shared_bytes(int columns, int dilation) {
  constexpr int kPassedOn = kPixelSplits<kIn, kOut> == 2 ? kThreads / 2 * kSums * 4 : 0;
  const int in_rows = kInputRows * (columns + 2 * dilation) * kIn + kGradRows * columns * kOut;
  return std::max(sizeof(Half) * static_cast<std::size_t>(in_rows), sizeof(float) * kPassedOn);
}
static_assert(shared_bytes<kTile, kTile>(kMaxColumns, kMaxDilation) <= gpu::kMaxSharedBytes);

/// Maps (n, h, w, channels[k]) concatenated along the channels.
template <class T>
struct ConcatenatedMaps {
  const T* maps[2];
  int channels[2];  // 0: no second map

  /// The value of a concatenated channel at a pixel, zero past the last.
  __device__ __forceinline__ float at(std::size_t pixel, int channel) const {
    if (channel < channels[0]) return gpu::to_float(maps[0][pixel * channels[0] + channel]);
    channel -= channels[0];
    return channel < channels[1] ? gpu::to_float(maps[1][pixel * channels[1] + channel]) : 0;
  }
};

/// All inputs of the weights, as a kernel parameter.
template <class In, class Grad>
struct Inputs {
  WgradInput<In, Grad> items[kMaxWgradInputs];
  int count;
  int in_channels[2], out_channels;

  Inputs(const Conv2dProblem& p, const Conv2dWgradArguments<In, Grad>& a)
      : count(static_cast<int>(a.count)),
        in_channels{static_cast<int>(p.in_channels[0]), static_cast<int>(p.in_channels[1])},
        out_channels(static_cast<int>(p.out_channels)) {
    std::ranges::copy(a.inputs, items);
  }

  __device__ __forceinline__ ConcatenatedMaps<In> maps(int input) const {
    return {{items[input].in[0], items[input].in[1]}, {in_channels[0], in_channels[1]}};
  }
};

struct Extent {
  int n, h, w, dilation;  // per input
  int strips, columns;    // per strip; columns is a multiple of kStep
};

inline Extent make_extent(const Conv2dProblem& p) {
  const int w = static_cast<int>(p.w), strips = (w + kMaxColumns - 1) / kMaxColumns;
  const int of_strip = (w + strips - 1) / strips;
  return {.n = static_cast<int>(p.n),
          .h = static_cast<int>(p.h),
          .w = w,
          .dilation = static_cast<int>(p.dilation),
          .strips = strips,
          .columns = (of_strip + kStep - 1) / kStep * kStep};
}

/// A row of a strip.
struct Row {
  int input, image, x0, y;
};

/// The row with that index. Rows are ordered by input, image, strip and phase: y = 0, d, 2d, …, 1, 1 + d, …
__device__ inline Row row_at(const Extent& extent, int number) {
  const int strip = number / extent.h, position = number % extent.h;
  const int rows = extent.h / extent.dilation,
            longer = extent.h % extent.dilation;  // the first `longer` phases have one more row
  const bool in_longer = position < longer * (rows + 1);
  const int phase = in_longer ? position / (rows + 1) : longer + (position - longer * (rows + 1)) / rows;
  const int before = phase * rows + min(phase, longer);
  const int image = strip / extent.strips;
  return {image / extent.n, image % extent.n, strip % extent.strips * extent.columns,
          phase + (position - before) * extent.dilation};
}

/// Loads kChannels channels of row y of the image from column x on, zero outside the map: of the first map
/// only, or all channels of a thin side.
template <int kChannels, class T>
__device__ void load_row(const ConcatenatedMaps<T>& from, const Extent& extent, int image, int y, int x,
                         int columns, Half* to) {
  constexpr int kChunk = warp_tile::kChunk<Half>, kChunks = kChannels / kChunk;
  const bool inside = y >= 0 && y < extent.h;
  const std::size_t first = (static_cast<std::size_t>(image) * extent.h + (inside ? y : 0)) * extent.w;
  const auto valid = [&](int column) { return inside && x + column >= 0 && x + column < extent.w; };
  const auto pixel = [&](int column) { return first + (valid(column) ? x + column : 0); };
  const auto destination = [&](int column, int chunk) {
    return to + warp_tile::element_at<Half, kChannels>(column, chunk * kChunk);
  };
  if constexpr (kChannels == kTile) {
    for (int i = static_cast<int>(threadIdx.x); i < columns * kChunks; i += kThreads) {
      const int column = i / kChunks, chunk = i % kChunks;
      gpu::cp_async16(destination(column, chunk),
                      from.maps[0] + pixel(column) * from.channels[0] + chunk * kChunk, valid(column));
    }
  } else {
    for (int column = static_cast<int>(threadIdx.x); column < columns; column += kThreads) {
      gpu::Pack<Half, kChunk> chunks[kChunks];  // all loads are issued before the first store
#pragma unroll
      for (int c = 0; c < kChannels; ++c)
        chunks[c / kChunk].values[c % kChunk] =
            gpu::from_float<Half>(valid(column) ? from.at(pixel(column), c) : 0);
#pragma unroll
      for (int chunk = 0; chunk < kChunks; ++chunk) chunks[chunk].store(destination(column, chunk));
    }
  }
}

/// Grid: x slices of the rows of all inputs, images and strips, y output tiles within input tiles. sums:
/// (slices, size); a slice has the sums of the weights, (9, inputs, outputs), then those of the bias.
template <int kIn, int kOut, class In, class Grad>
__global__ void __launch_bounds__(kThreads, kBlocks)
    sum_slices(Extent extent, const __grid_constant__ Inputs<In, Grad> inputs, std::int64_t size,
               float* sums) {
  DYNAMIC_SHARED(Half, shared);
  constexpr int kWarpsIn = kIn / kWarpTile, kWarpsOut = kOut / kWarpTile;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp_in = warp / kWarpsOut % kWarpsIn * kWarpTile, warp_out = warp % kWarpsOut * kWarpTile;
  const int split = warp / (kWarpsIn * kWarpsOut);
  const int in_channels = inputs.in_channels[0] + inputs.in_channels[1], out_channels = inputs.out_channels;
  const int tile = static_cast<int>(blockIdx.y), out_tiles = (out_channels + kTile - 1) / kTile;
  const int rows = inputs.count * extent.n * extent.strips * extent.h, slice = static_cast<int>(blockIdx.x);
  const auto slices = static_cast<std::int64_t>(gridDim.x);
  const int begin = static_cast<int>(slice * static_cast<std::int64_t>(rows) / slices);
  const int end = static_cast<int>((slice + 1) * static_cast<std::int64_t>(rows) / slices);
  const bool of_second = kIn == kTile && tile >= out_tiles;

  const int in_columns = extent.columns + 2 * extent.dilation;
  const auto input_row = [&](int row) { return shared + row % kInputRows * in_columns * kIn; };
  const auto grad_row = [&](int number) {
    return shared + kInputRows * in_columns * kIn + number % kGradRows * extent.columns * kOut;
  };
  int loaded = 0;  // rows of grad_preactivation loaded so far; the last three go with the last input row
  const auto load = [&](int number) {
    const Row row = row_at(extent, number);
    ConcatenatedMaps<In> maps = inputs.maps(row.input);
    if (of_second) maps.maps[0] = maps.maps[1];
    const ConcatenatedMaps<Grad> grad_preactivation = {
        {inputs.items[row.input].grad_preactivation + tile % out_tiles * kTile}, {out_channels}};
    const auto load_input = [&] {
      load_row<kIn>(maps, extent, row.image, row.y, row.x0 - extent.dilation, in_columns, input_row(number));
    };
    if (kIn == kTile) load_input();  // thin sides load synchronously, so issue the asynchronous copies first
    // Whether the previous row is the one above in the same phase.
    const bool goes_on = number > begin && row.y >= extent.dilation;
    for (int a = goes_on ? 1 : -1; a <= 1; ++a)
      load_row<kOut>(grad_preactivation, extent, row.image, row.y + a * extent.dilation, row.x0,
                     extent.columns, grad_row(loaded++));
    if (kIn != kTile) load_input();
    gpu::cp_async_commit();
  };

  float sum[kSums][4] = {};  // outputs × inputs, in the layout of mma_m16n8k16
  const bool sums_bias = tile < out_tiles && warp_in == 0;
  load(begin);
  for (int row = begin; row < end; ++row) {
    gpu::cp_async_wait<0>();
    __syncthreads();
    const Half* const ins = input_row(row);
    const Half* const outs[3] = {grad_row(loaded - 1), grad_row(loaded - 2), grad_row(loaded - 3)};
    if (row + 1 < end) load(row + 1);
#pragma unroll 1
    for (int x = split * kStep; x < extent.columns; x += kPixelSplits<kIn, kOut> * kStep) {
      std::uint32_t out[3][4];
#pragma unroll
      for (int a = 0; a < 3; ++a)
        gpu::ldmatrix_x4_trans(out[a],
                               outs[a] + warp_tile::element_at<Half, kOut>(x + lane % 8 + lane / 16 * 8,
                                                                           warp_out + lane / 8 % 2 * 8));
#pragma unroll
      for (int b = 0; b < 3; ++b) {
        std::uint32_t taps[4];
        gpu::ldmatrix_x4_trans(taps, ins + warp_tile::element_at<Half, kIn>(
                                               x + b * extent.dilation + lane % 16, warp_in + lane / 16 * 8));
#pragma unroll
        for (int a = 0; a < 3; ++a)
#pragma unroll
          for (int i = 0; i < kProducts; ++i)
            gpu::mma_m16n8k16(sum[(3 * a + b) * kProducts + i], out[a], {taps[2 * i], taps[2 * i + 1]});
      }
      if (sums_bias) gpu::mma_m16n8k16(sum[kSums - 1], out[1], {kOnes, kOnes});
    }
  }

  if constexpr (kPixelSplits<kIn, kOut> == 2) {  // the second passes its sums to the first
    constexpr int kReceivers = kThreads / 2;
    auto* const passed_on = reinterpret_cast<gpu::Pack<float, 4>*>(shared) + threadIdx.x % kReceivers;
    __syncthreads();
    if (split == 1) {
#pragma unroll
      for (int k = 0; k < kSums; ++k)
        passed_on[k * kReceivers] = {sum[k][0], sum[k][1], sum[k][2], sum[k][3]};
    }
    __syncthreads();
    if (split == 1) return;
#pragma unroll
    for (int k = 0; k < kSums; ++k)
#pragma unroll
      for (int i = 0; i < 4; ++i) sum[k][i] += passed_on[k * kReceivers].values[i];
  }

  float* const to = sums + slice * size;
  const int first_in = tile / out_tiles * kTile + warp_in, first_out = tile % out_tiles * kTile + warp_out;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const int out = first_out + lane / 4 + 8 * (k / 2);
    if (out >= out_channels) continue;
#pragma unroll
    for (int tap = 0; tap < 9; ++tap) {
#pragma unroll
      for (int i = 0; i < kProducts; ++i) {
        const int in = first_in + 8 * i + lane % 4 * 2 + k % 2;
        if (in < in_channels)
          to[static_cast<std::size_t>(tap * in_channels + in) * out_channels + out] =
              sum[tap * kProducts + i][k];
      }
    }
    if (sums_bias && lane % 4 == 0 && k % 2 == 0) to[size - out_channels + out] = sum[kSums - 1][k];
  }
}

/// Launches sum_slices and returns true, or returns false if the convolution is not supported.
template <class In, class Grad>
bool launch(const Conv2dProblem& p, const Inputs<In, Grad>& inputs, dim3 grid, std::int64_t size, float* sums,
            CudaStream stream) {
  if (p.kernel != 3 || p.stride != 1 || p.padding != p.dilation || p.dilation > kMaxDilation) return false;
  const bool wide_in = p.in_channels[0] == kTile && (p.in_channels[1] == 0 || p.in_channels[1] == kTile);
  const bool wide_out = p.out_channels % kTile == 0;
  const auto launch_tiles = [&]<int kIn, int kOut>() {
    const Extent extent = make_extent(p);
    gpu::launch(sum_slices<kIn, kOut, In, Grad>, grid, kThreads,
                shared_bytes<kIn, kOut>(extent.columns, extent.dilation), stream, extent, inputs, size, sums);
    return true;
  };
  constexpr bool kHalfIn = std::is_same_v<In, Half>, kHalfGrad = std::is_same_v<Grad, Half>;
  if constexpr (kHalfIn && kHalfGrad)
    if (wide_in && wide_out) return launch_tiles.template operator()<kTile, kTile>();
  if constexpr (kHalfGrad)
    if (p.total_in_channels() <= kThin && wide_out) return launch_tiles.template operator()<kThin, kTile>();
  if constexpr (kHalfIn)
    if (wide_in && p.out_channels <= kThin) return launch_tiles.template operator()<kTile, kThin>();
  return false;
}

}  // namespace sapnet::kernels::cuda::wgrad_rows
