// The weights' gradient of a 3×3 convolution of stride 1 on maps of 32 channels in fp16, on the tensor cores:
// for each tap a product of matrices, of which the pixels are what is summed over. Like rows.cuh, a block
// goes down the rows of one phase, y mod dilation, so that for any dilation the three rows of dsum that meet
// a row of the input are neighbours, and each comes from global memory once.
//
// A block sums 32 inputs × 32 outputs, each of its four warps 16 × 16 in all nine taps: what it reads of
// three rows of dsum and of three shifts of an input row makes nine products. Per 16 pixels a warp reads 6 ·
// 512 bytes of shared memory for 18 · 2048 multiply-adds, which gives memory and tensor cores about as much
// to do.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/conv2d/rows.cuh"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/gpu.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::wgrad_rows {

inline constexpr int kTile = rows::kMapChannels;  // channels of either side
inline constexpr int kWarpTile = 16;              // of which a warp sums so many
inline constexpr int kThreads = kTile / kWarpTile * kTile / kWarpTile * gpu::kWarp;
inline constexpr int kStep = 16;          // pixels that are multiplied at once
inline constexpr int kMostColumns = 128;  // of a strip
inline constexpr int kMaxDilation = 16;
inline constexpr int kInputRows = 2;  // in shared memory: this one and the next
inline constexpr int kSumRows = 6;    // three that meet this one, and three where the next begins a phase
inline constexpr int kBlocks = 2;     // for which a multiprocessor must have registers
inline constexpr std::uint32_t kOnes = 0x3c003c00;  // two halves, to sum by a product

inline bool takes(const Conv2dProblem& p) { return rows::fits(p) && p.dilation <= kMaxDilation; }

/// Of a block, for rows of so many columns.
constexpr std::size_t shared_bytes(int columns, int dilation) {
  return sizeof(__half) * kTile *
         static_cast<std::size_t>(kInputRows * (columns + 2 * dilation) + kSumRows * columns);
}
static_assert(shared_bytes(kMostColumns, kMaxDilation) <= gpu::kSharedOfBlock);

struct Input {
  const __half* maps[2];  // (n, h, w, kTile)
  const __half* dsum;     // (n, h, w, out_channels)
  int n, h, w, dilation, out_channels;
  int strips, columns;  // of a strip, a multiple of kStep
};

inline Input input(const Conv2dProblem& p, const BasicConv2dWgradArguments<Half>& a) {
  const int w = static_cast<int>(p.w), strips = (w + kMostColumns - 1) / kMostColumns;
  const int of_strip = (w + strips - 1) / strips;
  return {.maps = {gpu::stored(a.in[0]), gpu::stored(a.in[1])},
          .dsum = gpu::stored(a.dsum),
          .n = static_cast<int>(p.n),
          .h = static_cast<int>(p.h),
          .w = w,
          .dilation = static_cast<int>(p.dilation),
          .out_channels = static_cast<int>(p.out_channels),
          .strips = strips,
          .columns = (of_strip + kStep - 1) / kStep * kStep};
}

/// A row of a strip.
struct Row {
  int image, x0, y;
};

/// They are counted strip by strip, in a strip phase by phase: y = 0, d, 2d, …, 1, 1 + d, …
__device__ inline Row row_at(const Input& in, int number) {
  const int strip = number / in.h, place = number % in.h;
  const int rows = in.h / in.dilation, longer = in.h % in.dilation;  // so many phases have a row more
  const bool in_longer = place < longer * (rows + 1);
  const int phase = in_longer ? place / (rows + 1) : longer + (place - longer * (rows + 1)) / rows;
  const int before = phase * rows + min(phase, longer);
  return {strip / in.strips, strip % in.strips * in.columns, phase + (place - before) * in.dilation};
}

/// kTile channels, from a map of so many, of row y of the image from column x on, zero outside of it.
__device__ inline void load_row(const __half* map, int channels, const Input& in, int image, int y, int x,
                                int columns, __half* to) {
  constexpr int kChunk = warp_tile::kChunk<__half>, kChunks = kTile / kChunk;
  const bool inside = y >= 0 && y < in.h;
  const std::size_t first = (static_cast<std::size_t>(image) * in.h + (inside ? y : 0)) * in.w;
  for (int i = static_cast<int>(threadIdx.x); i < columns * kChunks; i += kThreads) {
    const int pixel = i / kChunks, channel = i % kChunks * kChunk;
    const bool valid = inside && x + pixel >= 0 && x + pixel < in.w;
    gpu::cp_async16(to + warp_tile::element_at<__half, kTile>(pixel, channel),
                    map + (first + (valid ? x + pixel : 0)) * channels + channel, valid);
  }
}

/// Grid: x slices of the rows of all images and strips, y tiles of outputs within tiles of inputs.
/// sums: (slices, size), in each first the weights' (9, kTile · tiles of inputs, out_channels), then the
/// bias'.
__global__ void __launch_bounds__(kThreads, kBlocks)
    sum_slices(Input in, int in_channels, std::int64_t size, float* sums) {
  DYNAMIC_SHARED(__half, shared);
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int tile = static_cast<int>(blockIdx.y), out_tiles = in.out_channels / kTile;
  const int warp_in = warp / 2 * kWarpTile, warp_out = warp % 2 * kWarpTile;
  const int rows = in.n * in.strips * in.h, slice = static_cast<int>(blockIdx.x);
  const auto slices = static_cast<std::int64_t>(gridDim.x);
  const int begin = static_cast<int>(slice * static_cast<std::int64_t>(rows) / slices);
  const int end = static_cast<int>((slice + 1) * static_cast<std::int64_t>(rows) / slices);
  const __half* const map = tile < out_tiles ? in.maps[0] : in.maps[1];
  const __half* const dsum = in.dsum + tile % out_tiles * kTile;

  const int in_columns = in.columns + 2 * in.dilation;
  const auto input_row = [&](int row) { return shared + row % kInputRows * in_columns * kTile; };
  const auto sum_row = [&](int number) {
    return shared + (kInputRows * in_columns + number % kSumRows * in.columns) * kTile;
  };
  int loaded = 0;  // rows of dsum; the last three meet the last row of the input
  const auto load = [&](int number) {
    const Row row = row_at(in, number);
    const bool goes_on = number > begin && row.y >= in.dilation;  // the row above was the last
    for (int a = goes_on ? 1 : -1; a <= 1; ++a)
      load_row(dsum, in.out_channels, in, row.image, row.y + a * in.dilation, row.x0, in.columns,
               sum_row(loaded++));
    load_row(map, kTile, in, row.image, row.y, row.x0 - in.dilation, in_columns, input_row(number));
    gpu::cp_async_commit();
  };

  // Of each tap, outputs × inputs, as mma_m16n8k16 has them.
  float weights[3][3][kWarpTile / 8][4] = {};
  float bias[4] = {};
  const bool sums_bias = tile < out_tiles && warp_in == 0;
  load(begin);
  for (int row = begin; row < end; ++row) {
    gpu::cp_async_wait<0>();
    __syncthreads();
    const __half* const ins = input_row(row);
    const __half* const outs[3] = {sum_row(loaded - 1), sum_row(loaded - 2), sum_row(loaded - 3)};
    if (row + 1 < end) load(row + 1);
#pragma unroll 1
    for (int x = 0; x < in.columns; x += kStep) {
      std::uint32_t out[3][4];
#pragma unroll
      for (int a = 0; a < 3; ++a)
        gpu::ldmatrix_x4_trans(out[a],
                               outs[a] + warp_tile::element_at<__half, kTile>(x + lane % 8 + lane / 16 * 8,
                                                                              warp_out + lane / 8 % 2 * 8));
#pragma unroll
      for (int b = 0; b < 3; ++b) {
        std::uint32_t taps[4];
        gpu::ldmatrix_x4_trans(taps, ins + warp_tile::element_at<__half, kTile>(
                                               x + b * in.dilation + lane % 16, warp_in + lane / 16 * 8));
#pragma unroll
        for (int a = 0; a < 3; ++a)
#pragma unroll
          for (int i = 0; i < kWarpTile / 8; ++i)
            gpu::mma_m16n8k16(weights[a][b][i], out[a], {taps[2 * i], taps[2 * i + 1]});
      }
      if (sums_bias) gpu::mma_m16n8k16(bias, out[1], {kOnes, kOnes});
    }
  }

  float* const to = sums + slice * size;
  const int first_in = tile / out_tiles * kTile + warp_in, first_out = tile % out_tiles * kTile + warp_out;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const int out = first_out + lane / 4 + 8 * (k / 2);
#pragma unroll
    for (int tap = 0; tap < 9; ++tap) {
#pragma unroll
      for (int i = 0; i < kWarpTile / 8; ++i) {
        const int channel = tap * in_channels + first_in + 8 * i + lane % 4 * 2 + k % 2;
        to[static_cast<std::size_t>(channel) * in.out_channels + out] = weights[tap / 3][tap % 3][i][k];
      }
    }
    if (sums_bias && lane % 4 == 0 && k % 2 == 0) to[size - in.out_channels + out] = bias[k];
  }
}

}  // namespace sapnet::kernels::cuda::wgrad_rows
