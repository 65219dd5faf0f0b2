// 3×3 convolutions of stride 1 from or to a thin map, one of up to eight channels such as an image, on the
// tensor cores: SAPNet's first and last layer, VGG-16's first, and their dgrads. The other map is fp16.
// Images are fp32. The weights of an input image are rounded to fp16, as for other maps, but not the image:
// each value v is split into two Halves, high + low, with an error of at most 2⁻²³ |v|, or 2⁻²⁵ for small v.
//
// A block computes kRows rows of one phase, y mod dilation, of a strip of 64 columns, from a tile of the
// input in shared memory. Each warp walks down 16 columns with all its weights in registers. It multiplies
// each input row by the weights of all three tap rows, for three output rows, so that the input is read from
// shared memory once for each column of taps, not for each tap.
//
// The reduction dimension is the pixels under a tap row and their channels, in chunks of eight channels, two
// per mma. A thin input is zero-padded to eight channels; its two chunks per pixel are the high and the low
// parts, with the same weights. A thin output is zero-padded to eight.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/rows.cuh"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/gpu.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::thin {

using warp_tile::element_at;

inline constexpr int kChannels = 8;  // of a thin map at most
inline constexpr int kThreads = 128;
inline constexpr int kWarpColumns = 16;
inline constexpr int kRows = 8;  // output rows per block at most
inline constexpr int kMaxDilation = 4;
inline constexpr int kTileRows = kRows + 2, kTileColumns = rows::kStrip + 2 * kMaxDilation;
static_assert(kThreads / gpu::kWarp * kWarpColumns == rows::kStrip);

/// A part of a thin input's channels, at most kPart.
template <class T>
struct Part {
  const T* map;  // from its first channel on
  int stride;    // channels of the map
  int channels;
};
inline constexpr int kPart = 4;

/// The operands of a convolution.
template <class T>
struct Input {
  Part<T> parts[2];  // of a thin input; otherwise the first is the map
  const T* weights;  // (3, 3, in_channels, padded_outputs), padded_outputs a multiple of 4
  int in_channels, padded_outputs;
  int h, w, dilation;

  __host__ __device__ rows::Grid grid() const { return {h, w, dilation, kRows}; }
};

inline constexpr int kThin = 2 * kChannels;  // Halves of a thin input's pixel

/// The convolution of kIn channels, kThin for a thin input, to slices of kOut channels, kChannels for a thin
/// output.
template <int kIn, int kOut>
struct Thin {
  static constexpr bool kThinInput = kIn == kThin;
  static constexpr int kChunk = warp_tile::kChunk<Half>;
  static constexpr int kPixelChunks = kIn / kChunk;
  static constexpr int kSteps = 3 * kPixelChunks / 2;      // mma per tap row
  static constexpr int kStepWeights = kThinInput ? 1 : 2;  // chunks of weights in each
  static constexpr int kTiles = kOut / 8;                  // of outputs
  static constexpr int kWeightRows = 3 * kSteps * kStepWeights * kChunk;
  static constexpr int kMatrices = kWeightRows / 8 * kTiles;  // of 8×8 weights
  using Sums = float[1][kTiles][4];                           // as warp_tile::Sums, of kWarpColumns pixels

  static constexpr std::size_t kSharedBytes =
      sizeof(Half) * static_cast<std::size_t>(kWeightRows * kOut + kTileRows * kTileColumns * kIn);
  static_assert(kSharedBytes <= gpu::kMaxSharedBytes);
  static constexpr int kBlocks = kIn == 32 ? 4 : 2;  // per multiprocessor, for registers

  /// Grid: x the blocks of an image, y slices of kOut channels, z images. Each warp calls epilogue(y, x,
  /// sums) for its rows y and columns [x, x + kWarpColumns); columns from w on are padding. output(k): the
  /// output of the slice in column k of the sums; output(k + 1) = output(k) + 1 for an even k.
  template <class T, class Output, class Epilogue>
  __device__ static void compute(const Input<T>& input, const Output& output, Epilogue& epilogue) {
    DYNAMIC_SHARED(Half, weights);
    Half* const tile = weights + kWeightRows * kOut;
    const int warp = static_cast<int>(threadIdx.x / gpu::kWarp);
    const int lane = static_cast<int>(threadIdx.x % gpu::kWarp);
    const rows::Grid::Block block = input.grid().block(static_cast<int>(blockIdx.x));
    const int count = block.end - block.first;
    if (count <= 0) return;

    load_tile(input, block, tile);
    gpu::cp_async_commit();
    load_weights(input, output, weights);
    gpu::cp_async_wait<0>();
    __syncthreads();
    const int x = block.x0 + warp * kWarpColumns;
    if (x >= input.w) return;

    std::uint32_t b[kMatrices / 4][4];  // matrix 4 i + k is b[i][k]
#pragma unroll
    for (int i = 0; i < kMatrices / 4; ++i) {
      const int matrix = 4 * i + lane / 8, tile_of_step = matrix / kStepWeights;
      const int row = (tile_of_step / kTiles * kStepWeights + matrix % kStepWeights) * 8 + lane % 8;
      gpu::ldmatrix_x4_trans(b[i], weights + element_at<Half, kOut>(row, tile_of_step % kTiles * 8));
    }
    int at[kSteps];  // of the lane's chunk in a row of the tile
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      const int chunk = 2 * step + lane / 16;
      const int column = warp * kWarpColumns + lane % 16 + chunk / kPixelChunks * input.dilation;
      at[step] = element_at<Half, kIn>(column, chunk % kPixelChunks * kChunk);
    }

    Sums sums[3] = {};  // of output row r in sums[r % 3]
#pragma unroll 1
    for (int top = 0; top < count + 2; top += 3) {
#pragma unroll
      for (int k = 0; k < 3; ++k) {
        const int row = top + k;  // of the tile
        if (row >= count + 2) break;
        std::uint32_t a[kSteps][4];
#pragma unroll
        for (int step = 0; step < kSteps; ++step)
          gpu::ldmatrix_x4(a[step], tile + row * kTileColumns * kIn + at[step]);
#pragma unroll
        for (int tap = 0; tap < 3; ++tap) {
          const int to = row - tap;
          if (to < 0 || to >= count) continue;
#pragma unroll
          for (int step = 0; step < kSteps; ++step) {
#pragma unroll
            for (int n = 0; n < kTiles; ++n) {
              const int first = ((tap * kSteps + step) * kTiles + n) * kStepWeights;
              const int second = first + kStepWeights - 1;
              gpu::mma_m16n8k16(sums[(k + 3 - tap) % 3][0][n], a[step],
                                {b[first / 4][first % 4], b[second / 4][second % 4]});
            }
          }
        }
        if (row < 2) continue;
        Sums& finished = sums[(k + 1) % 3];
        epilogue(block.phase + (block.first + row - 2) * input.dilation, x, finished);
#pragma unroll
        for (int n = 0; n < kTiles; ++n)
#pragma unroll
          for (float& sum : finished[0][n]) sum = 0;
      }
    }
  }

 private:
  /// The input rows of the block, from the one above its first output row on, zero outside the map. A row has
  /// kTileColumns pixels at element_at(), of which the first kStrip + 2 · dilation are used.
  template <class T>
  __device__ static void load_tile(const Input<T>& input, const rows::Grid::Block& block, Half* tile) {
    const int rows = block.end - block.first + 2, columns = rows::kStrip + 2 * input.dilation;
    const int image = static_cast<int>(blockIdx.z), x0 = block.x0 - input.dilation;
    const auto y_of = [&](int row) { return block.phase + (block.first + row - 1) * input.dilation; };
    const auto inside = [](int at, int size) { return at >= 0 && at < size; };
    if constexpr (kThinInput) {
      constexpr int kPixels = kTileRows * kTileColumns, kShare = (kPixels + kThreads - 1) / kThreads;
      const auto number = [](int i) { return static_cast<int>(i * kThreads + threadIdx.x); };
      float values[kShare][2][kPart];  // all loads are issued before the first store
#pragma unroll
      for (int i = 0; i < kShare; ++i) {
        const int row = number(i) / kTileColumns, column = number(i) % kTileColumns;
        const int y = y_of(row), x = x0 + column;
        const bool valid = row < rows && column < columns && inside(y, input.h) && inside(x, input.w);
        const int pixel = valid ? (image * input.h + y) * input.w + x : 0;
#pragma unroll
        for (int part = 0; part < 2; ++part) {
          const Part<T>& from = input.parts[part];
          const T* const channels = from.map + static_cast<std::int64_t>(pixel) * from.stride;
          const int count = valid ? from.channels : 0;
#pragma unroll
          for (int c = 0; c < kPart; ++c) values[i][part][c] = c < count ? gpu::to_float(channels[c]) : 0;
        }
      }
#pragma unroll
      for (int i = 0; i < kShare; ++i) {
        gpu::Pack<Half, kChunk> high, low;
#pragma unroll
        for (int c = 0; c < kChunk; ++c) {
          const float value = values[i][c / kPart][c % kPart];
          high.values[c] = gpu::from_float<Half>(value);
          low.values[c] = gpu::from_float<Half>(value - gpu::to_float(high.values[c]));
        }
        if (number(i) >= kPixels) continue;
        high.store(tile + element_at<Half, kIn>(number(i), 0));
        low.store(tile + element_at<Half, kIn>(number(i), kChunk));
      }
    } else {
      const int lane = static_cast<int>(threadIdx.x % gpu::kWarp);
      for (int row = static_cast<int>(threadIdx.x / gpu::kWarp); row < rows; row += kThreads / gpu::kWarp) {
        const int y = y_of(row);
        const bool row_inside = inside(y, input.h);
        const std::int64_t first = static_cast<std::int64_t>(image * input.h + y) * input.w + x0;
#pragma unroll
        for (int i = lane; i < kTileColumns * kPixelChunks; i += gpu::kWarp) {
          const int column = i / kPixelChunks, chunk = i % kPixelChunks * kChunk;
          if (column >= columns) break;
          const bool valid = row_inside && inside(x0 + column, input.w);
          gpu::cp_async16(tile + row * kTileColumns * kIn + element_at<Half, kIn>(column, chunk),
                          input.parts[0].map + (valid ? (first + column) * kIn + chunk : 0), valid);
        }
      }
    }
  }

  /// The weights as fp16, (tap row, chunk, channel) × outputs, with zeros as padding. A thin input has one
  /// chunk of weights per pixel.
  template <class T, class Output>
  __device__ static void load_weights(const Input<T>& input, const Output& output, Half* to) {
    const int column = static_cast<int>(threadIdx.x % kTiles) * 8;
#pragma unroll
    for (int row = static_cast<int>(threadIdx.x / kTiles); row < kWeightRows; row += kThreads / kTiles) {
      constexpr int kTapChunks = kThinInput ? 1 : kPixelChunks;
      const int tap = row / kChunk / kTapChunks, k = row % (kTapChunks * kChunk);
      const int channels = k < kPart ? input.parts[0].channels : input.parts[1].channels;
      const int channel = kThinInput ? (k < kPart ? 0 : input.parts[0].channels) + k % kPart : k;
      const bool present = !kThinInput || k % kPart < channels;
      const T* const filter = input.weights +
                              (present ? tap * input.in_channels + channel : 0) * input.padded_outputs +
                              blockIdx.y * kOut;
      gpu::Pack<Half, 8> outputs;
#pragma unroll
      for (int e = 0; e < 8; e += 2) {
        gpu::Pack<T, 2> pair = {};
        const int o = output(column + e);
        if (present && o < input.padded_outputs) pair = gpu::Pack<T, 2>::load(filter + o);
        outputs.values[e] = gpu::from_float<Half>(gpu::to_float(pair.values[0]));
        outputs.values[e + 1] = gpu::from_float<Half>(gpu::to_float(pair.values[1]));
      }
      outputs.store(to + element_at<Half, kOut>(row, column));
    }
  }
};

/// Whether a convolution has the required form, apart from its channels.
inline bool has_form(const Conv2dProblem& p) {
  return p.kernel == 3 && p.stride == 1 && p.padding == p.dilation && p.dilation <= kMaxDilation &&
         p.out_maps == 1;
}

inline bool has_thin_input(const Conv2dProblem& p) {
  const std::int64_t first = p.in_channels[0], second = p.in_channels[1];
  return has_form(p) && first <= (second > 0 ? kPart : kChannels) && second <= kPart &&
         p.out_channels % warp_tile::kOutputs == 0;
}

inline bool has_thin_output(const Conv2dProblem& p) {
  return has_form(p) && (p.in_channels[0] == 32 || p.in_channels[0] == 64) && p.in_channels[1] == 0 &&
         p.out_channels <= kChannels;
}

/// The operands of a convolution. weights, padded: Input's weights and padded_outputs.
template <class T>
Input<T> input(const Conv2dProblem& p, const std::array<const T*, 2>& maps, const T* weights, int padded) {
  const int first = static_cast<int>(p.in_channels[0]), second = static_cast<int>(p.in_channels[1]);
  const int rest = std::max(first - kPart, 0);
  return {{{maps[0], first, first - rest},
           second > 0 ? Part<T>{maps[1], second, second} : Part<T>{maps[0] + first - rest, first, rest}},
          weights,
          first + second,
          padded,
          static_cast<int>(p.h),
          static_cast<int>(p.w),
          static_cast<int>(p.dilation)};
}

}  // namespace sapnet::kernels::cuda::thin
