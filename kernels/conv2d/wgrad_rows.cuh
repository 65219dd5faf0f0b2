// The weights' gradient of a 3×3 convolution of stride 1 on maps of 32 channels, on the tensor cores: for
// each tap a product of matrices, of which the pixels are what is summed over. Like rows.cuh, a block goes
// down the rows of one phase, y mod dilation, so that for any dilation the three rows of dsum that meet a row
// of the input are neighbours, and each comes from global memory once.
//
// A block sums 32 inputs × 32 outputs, each of its four warps 16 × 16 in all nine taps: what it reads of
// three rows of dsum and of three shifts of an input row makes nine products. Per 16 pixels a warp reads 6 ·
// 512 bytes of shared memory for 18 · 2048 multiply-adds, which gives memory and tensor cores about as much
// to do.
//
// One side may be thin, as the images are that SAPNet begins and ends with: its channels, of one map or of
// two side by side, are filled up with zeros to 16. Two warps then cover all pairs of channels, and of the
// four each takes half of the pixels. Images are fp32; their numbers are rounded to fp16 as they are loaded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/conv2d/rows.cuh"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/gpu.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::wgrad_rows {

inline constexpr int kTile = rows::kMapChannels;  // channels of a side
inline constexpr int kThin = 16;                  // of a thin side, at most
inline constexpr int kWarpTile = 16;              // of either side, of which a warp sums so many
inline constexpr int kThreads = kTile / kWarpTile * kTile / kWarpTile * gpu::kWarp;
inline constexpr int kStep = 16;          // pixels that are multiplied at once
inline constexpr int kMostColumns = 128;  // of a strip
inline constexpr int kMaxDilation = 16;
inline constexpr int kInputRows = 2;  // in shared memory: this one and the next
inline constexpr int kSumRows = 6;    // three that meet this one, and three where the next begins a phase
inline constexpr int kBlocks = 2;     // for which a multiprocessor must have registers
inline constexpr int kProducts = kWarpTile / 8;     // of a tap, each of 16 outputs × 8 inputs
inline constexpr int kSums = 9 * kProducts + 1;     // of a warp; the last is the bias'
inline constexpr std::uint32_t kOnes = 0x3c003c00;  // two halves, to sum by a product

/// So many warps sum the same pairs of kIn × kOut channels, each of its share of the pixels.
template <int kIn, int kOut>
inline constexpr int kShares = kThreads / gpu::kWarp / (kIn / kWarpTile * kOut / kWarpTile);

/// Of a block, for rows of so many columns, which at the end make way for sums that are passed on.
template <int kIn, int kOut>
constexpr std::size_t shared_bytes(int columns, int dilation) {
  constexpr int kPassedOn = kShares<kIn, kOut> == 2 ? kThreads / 2 * kSums * 4 : 0;
  const int in_rows = kInputRows * (columns + 2 * dilation) * kIn + kSumRows * columns * kOut;
  return std::max(sizeof(__half) * static_cast<std::size_t>(in_rows), sizeof(float) * kPassedOn);
}
static_assert(shared_bytes<kTile, kTile>(kMostColumns, kMaxDilation) <= gpu::kSharedOfBlock);

/// Maps (n, h, w, channels[k]) side by side along the channels.
template <class T>
struct SideBySide {
  const T* maps[2];
  int channels[2];  // 0: there is no second

  /// Number `channel` of all maps at a pixel, zero behind the last.
  __device__ __forceinline__ float at(std::size_t pixel, int channel) const {
    if (channel < channels[0]) return gpu::to_float(maps[0][pixel * channels[0] + channel]);
    channel -= channels[0];
    return channel < channels[1] ? gpu::to_float(maps[1][pixel * channels[1] + channel]) : 0;
  }
};

/// All uses of the weights, as a kernel is given them.
template <class In, class Sum>
struct Uses {
  struct Use {
    const In* in[2];
    const Sum* dsum;
  };
  Use of[kMostUses];
  int count;
  int in_channels[2], out_channels;

  __device__ __forceinline__ SideBySide<In> inputs(int use) const {
    return {{of[use].in[0], of[use].in[1]}, {in_channels[0], in_channels[1]}};
  }
};

template <class In, class Sum>
Uses<gpu::Stored<In>, gpu::Stored<Sum>> stored(const Conv2dProblem& p,
                                               std::span<const BasicConv2dUse<In, Sum>> uses) {
  Uses<gpu::Stored<In>, gpu::Stored<Sum>> all = {
      .of = {},
      .count = static_cast<int>(uses.size()),
      .in_channels = {static_cast<int>(p.in_channels[0]), static_cast<int>(p.in_channels[1])},
      .out_channels = static_cast<int>(p.out_channels)};
  for (std::size_t k = 0; k < uses.size(); ++k)
    all.of[k] = {{gpu::stored(uses[k].in[0]), gpu::stored(uses[k].in[1])}, gpu::stored(uses[k].dsum)};
  return all;
}

struct Extent {
  int n, h, w, dilation;  // of one use
  int strips, columns;    // of a strip, a multiple of kStep
};

inline Extent extent(const Conv2dProblem& p) {
  const int w = static_cast<int>(p.w), strips = (w + kMostColumns - 1) / kMostColumns;
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
  int use, image, x0, y;
};

/// They are counted use by use, image by image and strip by strip, in a strip phase by phase: y = 0, d, 2d,
/// …, 1, 1 + d, …
__device__ inline Row row_at(const Extent& of, int number) {
  const int strip = number / of.h, place = number % of.h;
  const int rows = of.h / of.dilation, longer = of.h % of.dilation;  // so many phases have a row more
  const bool in_longer = place < longer * (rows + 1);
  const int phase = in_longer ? place / (rows + 1) : longer + (place - longer * (rows + 1)) / rows;
  const int before = phase * rows + min(phase, longer);
  const int image = strip / of.strips;
  return {image / of.n, image % of.n, strip % of.strips * of.columns, phase + (place - before) * of.dilation};
}

/// kChannels channels of row y of the image from column x on, zero outside of it: of the first map's many, or
/// all of a thin side.
template <int kChannels, class T>
__device__ void load_row(const SideBySide<T>& from, const Extent& of, int image, int y, int x, int columns,
                         __half* to) {
  constexpr int kChunk = warp_tile::kChunk<__half>, kChunks = kChannels / kChunk;
  const bool inside = y >= 0 && y < of.h;
  const std::size_t first = (static_cast<std::size_t>(image) * of.h + (inside ? y : 0)) * of.w;
  const auto valid = [&](int column) { return inside && x + column >= 0 && x + column < of.w; };
  const auto pixel = [&](int column) { return first + (valid(column) ? x + column : 0); };
  const auto place = [&](int column, int chunk) {
    return to + warp_tile::element_at<__half, kChannels>(column, chunk * kChunk);
  };
  if constexpr (kChannels == kTile) {
    for (int i = static_cast<int>(threadIdx.x); i < columns * kChunks; i += kThreads) {
      const int column = i / kChunks, chunk = i % kChunks;
      gpu::cp_async16(place(column, chunk), from.maps[0] + pixel(column) * from.channels[0] + chunk * kChunk,
                      valid(column));
    }
  } else {
    for (int column = static_cast<int>(threadIdx.x); column < columns; column += kThreads) {
      gpu::Pack<__half, kChunk> chunks[kChunks];  // all read before the first is written: one wait for memory
#pragma unroll
      for (int c = 0; c < kChannels; ++c)
        chunks[c / kChunk].values[c % kChunk] =
            gpu::from_float<__half>(valid(column) ? from.at(pixel(column), c) : 0);
#pragma unroll
      for (int chunk = 0; chunk < kChunks; ++chunk) chunks[chunk].store(place(column, chunk));
    }
  }
}

/// Grid: x slices of the rows of all uses, images and strips, y tiles of outputs within tiles of inputs.
/// sums: (slices, size), in each first the weights' (9, inputs, outputs), then the bias'.
template <int kIn, int kOut, class In, class Sum>
__global__ void __launch_bounds__(kThreads, kBlocks)
    sum_slices(Extent of, const __grid_constant__ Uses<In, Sum> uses, std::int64_t size, float* sums) {
  DYNAMIC_SHARED(__half, shared);
  constexpr int kWarpsIn = kIn / kWarpTile, kWarpsOut = kOut / kWarpTile;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp_in = warp / kWarpsOut % kWarpsIn * kWarpTile, warp_out = warp % kWarpsOut * kWarpTile;
  const int share = warp / (kWarpsIn * kWarpsOut);
  const int in_channels = uses.in_channels[0] + uses.in_channels[1], out_channels = uses.out_channels;
  const int tile = static_cast<int>(blockIdx.y), out_tiles = (out_channels + kTile - 1) / kTile;
  const int rows = uses.count * of.n * of.strips * of.h, slice = static_cast<int>(blockIdx.x);
  const auto slices = static_cast<std::int64_t>(gridDim.x);
  const int begin = static_cast<int>(slice * static_cast<std::int64_t>(rows) / slices);
  const int end = static_cast<int>((slice + 1) * static_cast<std::int64_t>(rows) / slices);
  const bool of_second = kIn == kTile && tile >= out_tiles;

  const int in_columns = of.columns + 2 * of.dilation;
  const auto input_row = [&](int row) { return shared + row % kInputRows * in_columns * kIn; };
  const auto sum_row = [&](int number) {
    return shared + kInputRows * in_columns * kIn + number % kSumRows * of.columns * kOut;
  };
  int loaded = 0;  // rows of dsum; the last three meet the last row of the input
  const auto load = [&](int number) {
    const Row row = row_at(of, number);
    SideBySide<In> inputs = uses.inputs(row.use);
    if (of_second) inputs.maps[0] = inputs.maps[1];
    const SideBySide<Sum> dsum = {{uses.of[row.use].dsum + tile % out_tiles * kTile}, {out_channels}};
    const auto load_input = [&] {
      load_row<kIn>(inputs, of, row.image, row.y, row.x0 - of.dilation, in_columns, input_row(number));
    };
    if (kIn == kTile) load_input();  // a thin side waits for its numbers, so first the copies of the other
    const bool goes_on = number > begin && row.y >= of.dilation;  // the row above was the last
    for (int a = goes_on ? 1 : -1; a <= 1; ++a)
      load_row<kOut>(dsum, of, row.image, row.y + a * of.dilation, row.x0, of.columns, sum_row(loaded++));
    if (kIn != kTile) load_input();
    gpu::cp_async_commit();
  };

  float sum[kSums][4] = {};  // outputs × inputs, as mma_m16n8k16 has them
  const bool sums_bias = tile < out_tiles && warp_in == 0;
  load(begin);
  for (int row = begin; row < end; ++row) {
    gpu::cp_async_wait<0>();
    __syncthreads();
    const __half* const ins = input_row(row);
    const __half* const outs[3] = {sum_row(loaded - 1), sum_row(loaded - 2), sum_row(loaded - 3)};
    if (row + 1 < end) load(row + 1);
#pragma unroll 1
    for (int x = share * kStep; x < of.columns; x += kShares<kIn, kOut> * kStep) {
      std::uint32_t out[3][4];
#pragma unroll
      for (int a = 0; a < 3; ++a)
        gpu::ldmatrix_x4_trans(out[a],
                               outs[a] + warp_tile::element_at<__half, kOut>(x + lane % 8 + lane / 16 * 8,
                                                                             warp_out + lane / 8 % 2 * 8));
#pragma unroll
      for (int b = 0; b < 3; ++b) {
        std::uint32_t taps[4];
        gpu::ldmatrix_x4_trans(taps, ins + warp_tile::element_at<__half, kIn>(x + b * of.dilation + lane % 16,
                                                                              warp_in + lane / 16 * 8));
#pragma unroll
        for (int a = 0; a < 3; ++a)
#pragma unroll
          for (int i = 0; i < kProducts; ++i)
            gpu::mma_m16n8k16(sum[(3 * a + b) * kProducts + i], out[a], {taps[2 * i], taps[2 * i + 1]});
      }
      if (sums_bias) gpu::mma_m16n8k16(sum[kSums - 1], out[1], {kOnes, kOnes});
    }
  }

  if constexpr (kShares<kIn, kOut> == 2) {  // the second passes its sums on to the first
    constexpr int kReceivers = kThreads / 2;
    auto* const passed_on = reinterpret_cast<gpu::Pack<float, 4>*>(shared) + threadIdx.x % kReceivers;
    __syncthreads();
    if (share == 1) {
#pragma unroll
      for (int k = 0; k < kSums; ++k)
        passed_on[k * kReceivers] = {sum[k][0], sum[k][1], sum[k][2], sum[k][3]};
    }
    __syncthreads();
    if (share == 1) return;
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

/// Launches sum_slices, unless the convolution is none for it: then false.
template <class In, class Sum>
bool launch(const Conv2dProblem& p, std::span<const BasicConv2dUse<In, Sum>> uses, dim3 grid,
            std::int64_t size, float* sums, CudaStream stream) {
  if (p.kernel != 3 || p.stride != 1 || p.padding != p.dilation || p.dilation > kMaxDilation) return false;
  const bool wide_in = p.in_channels[0] == kTile && (p.in_channels[1] == 0 || p.in_channels[1] == kTile);
  const bool wide_out = p.out_channels % kTile == 0;
  const auto launch_tiles = [&]<int kIn, int kOut>() {
    const Extent of = extent(p);
    gpu::launch(sum_slices<kIn, kOut, gpu::Stored<In>, gpu::Stored<Sum>>, grid, kThreads,
                shared_bytes<kIn, kOut>(of.columns, of.dilation), stream, of, stored(p, uses), size, sums);
    return true;
  };
  constexpr bool kHalfIn = std::is_same_v<In, Half>, kHalfSum = std::is_same_v<Sum, Half>;
  if constexpr (kHalfIn && kHalfSum)
    if (wide_in && wide_out) return launch_tiles.template operator()<kTile, kTile>();
  if constexpr (kHalfSum)
    if (p.total_in_channels() <= kThin && wide_out) return launch_tiles.template operator()<kThin, kTile>();
  if constexpr (kHalfIn)
    if (wide_in && p.out_channels <= kThin) return launch_tiles.template operator()<kTile, kThin>();
  return false;
}

}  // namespace sapnet::kernels::cuda::wgrad_rows
