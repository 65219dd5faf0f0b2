// A 3×3 convolution of stride 1 that streams input rows through shared memory, so that each row is read from
// global memory once. conv2d.cu and conv_lstm.cu supply the epilogues.
//
// A block computes kOutputs channels of a strip of kStrip columns. It walks down the rows of one phase, y mod
// dilation, so that for any dilation the rows an output row needs are adjacent in that sequence. Shared
// memory holds a ring buffer of input rows; each warp computes one of kRows output rows of the strip at a
// time.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/gpu.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::rows {

using warp_tile::element_at, warp_tile::kChunk, warp_tile::kOutputs, warp_tile::Sums;

inline constexpr int kStrip = warp_tile::kPixels;  // columns
inline constexpr int kSegment = 16;                // output rows per block at most
inline constexpr int kMapChannels = 32;            // per input map
inline constexpr int kBlocks = 2;                  // resident per multiprocessor, for register allocation

/// The largest dilation for which a block's shared memory fits on any GPU.
constexpr int max_dilation(int in_channels) { return in_channels > kMapChannels ? 4 : 16; }

/// Whether a convolution has the required form, apart from its dilation.
inline bool fits(const Conv2dProblem& p) {
  return p.kernel == 3 && p.stride == 1 && p.padding == p.dilation && p.in_channels[0] == kMapChannels &&
         (p.in_channels[1] == 0 || p.in_channels[1] == kMapChannels) && p.out_channels % kOutputs == 0;
}

/// The configuration of a block at one precision.
///   kRows: output rows computed at a time, one per warp
///   kPrefetch: whether the next rows are loaded during the computation; if not, the smaller ring buffer
///     leaves room for another block on the multiprocessor, which computes meanwhile
///   kTapRowsHeld: how many of the three tap rows' weights shared memory holds at a time, 3 or 1
///   source_stride(): row stride of a tap's weights in global memory, in elements
template <class T, int kIn>
struct Arithmetic;

template <int kIn>
struct Arithmetic<Half, kIn> : warp_tile::Product<Half, kIn> {
  static constexpr int kRows = 4;
  static constexpr bool kPrefetch = kIn == kMapChannels;
  static constexpr int kTapRowsHeld = 3;

  __host__ __device__ static int source_stride(int weight_channels) { return weight_channels; }
};

template <int kIn>
struct Arithmetic<float, kIn> : warp_tile::Product<float, kIn> {
  static constexpr int kRows = kIn > kMapChannels ? 2 : 4;  // as many as fit into shared memory
  static constexpr bool kPrefetch = false;
  static constexpr int kTapRowsHeld = 1;  // reloading them is cheap compared with the arithmetic

  __host__ __device__ static int source_stride(int /*weight_channels*/) { return kOutputs; }
};

/// The operands of a convolution.
template <class T>
struct Input {
  const T* maps[2];     // (n, h, w, kMapChannels) each
  const T* weights;     // packed by pack()
  int weight_channels;  // input channels in `weights`; those of an absent second map are not read
  int h, w, dilation;
  int slices;  // of kOutputs output channels

  /// The slice and the block of the image (Grid) that this block computes. Blocks that read the same pixels
  /// are adjacent, so that all slices but the first read them from L2.
  __device__ int slice() const { return static_cast<int>(blockIdx.x) % slices; }
  __device__ int block() const { return static_cast<int>(blockIdx.x) / slices; }
};

/// The decomposition of an image into blocks, each of at most `rows` output rows.
struct Grid {
  int h, dilation, rows, strips, phases, segments;

  /// Output rows phase + row · dilation for `row` in [first, end), which may be empty; columns from x0 on.
  struct Block {
    int x0, phase, first, end;
  };

  __host__ __device__ Grid(int map_h, int map_w, int step, int at_most = kSegment)
      : h(map_h),
        dilation(step),
        rows(at_most),
        strips((map_w + kStrip - 1) / kStrip),
        phases(dilation < h ? dilation : h),
        segments(((h + dilation - 1) / dilation + rows - 1) / rows) {}

  int blocks() const { return strips * phases * segments; }

  __device__ Block block(int number) const {
    const int phase = number / strips % phases, first = number / strips / phases * rows;
    return {number % strips * kStrip, phase, first, min(first + rows, (h - phase + dilation - 1) / dilation)};
  }
};

/// The convolution of kIn channels.
template <class T, int kIn>
struct Rows {
  using A = Arithmetic<T, kIn>;
  static constexpr int kThreads = A::kRows * gpu::kWarp;
  static constexpr int kTap = kOutputs * kIn;  // weights
  static constexpr int kRing = (A::kPrefetch ? 2 : 1) * A::kRows + 2;

  static constexpr std::size_t shared_bytes(int dilation) {
    return sizeof(T) *
           static_cast<std::size_t>(3 * A::kTapRowsHeld * kTap + kRing * (kStrip + 2 * dilation) * kIn);
  }

  /// Call in a kernel launched on grid(). Each warp calls epilogue(y, x0, sums) for its rows y and columns
  /// [x0, x0 + kStrip); columns from w on are padding. Warps may make different numbers of calls.
  template <class Epilogue>
  __device__ static void compute(const Input<T>& input, Epilogue& epilogue) {
    DYNAMIC_SHARED(T, weights);
    T* const ring = weights + 3 * A::kTapRowsHeld * kTap;
    const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const auto block = Grid(input.h, input.w, input.dilation).block(input.block());
    const int x0 = block.x0, phase = block.phase, first = block.first, end = block.end;
    if (first >= end) return;

    const int row_size = (kStrip + 2 * input.dilation) * kIn;
    const auto slot = [&](int row) { return ring + (row - (first - 1)) % kRing * row_size; };
    const auto load_rows = [&](int from, int count) {
      for (int row = from; row < from + count; ++row)
        load_row(input, phase + row * input.dilation, x0, slot(row));
      gpu::cp_async_commit();
    };
    if (A::kTapRowsHeld == 3) load_weights(input, 0, weights);
    load_rows(first - 1, A::kRows + 2);
    for (int row = first; row < end; row += A::kRows) {
      const bool more = row + A::kRows < end, mine = row + warp < end;
      Sums sums = {};
#pragma unroll 1
      for (int a = 0; a < 3; ++a) {  // the tap row
        if (A::kTapRowsHeld == 1) {
          if (a > 0) __syncthreads();
          load_weights(input, a, weights);
          gpu::cp_async_commit();
        }
        if (A::kTapRowsHeld == 1 || a == 0) {
          gpu::cp_async_wait<0>();
          __syncthreads();
        }
        if (A::kPrefetch && a == 0 && more) load_rows(row + A::kRows + 1, A::kRows);
        const T* const filter = weights + 3 * (a % A::kTapRowsHeld) * kTap;
        if (!mine) continue;
        for (int tap = 0; tap < 3; ++tap)
          A::multiply(slot(row + warp + a - 1), tap * input.dilation, filter + tap * kTap, lane, sums);
      }
      if (mine) epilogue(phase + (row + warp) * input.dilation, x0, sums);
      if (!A::kPrefetch && more) {
        __syncthreads();
        load_rows(row + A::kRows + 1, A::kRows);
      }
    }
  }

 private:
  /// Row y of the input from column x0 - dilation on, zero outside the map.
  __device__ static void load_row(const Input<T>& input, int y, int x0, T* to) {
    constexpr int kMapChunks = kMapChannels / kChunk<T>, kChunks = kIn / kChunk<T>;
    const bool inside = y >= 0 && y < input.h;
    const std::size_t first = (static_cast<std::size_t>(blockIdx.z) * input.h + (inside ? y : 0)) * input.w;
    const int chunks = (kStrip + 2 * input.dilation) * kChunks;
    for (int i = static_cast<int>(threadIdx.x); i < chunks; i += kThreads) {
      const int pixel = i / kChunks, chunk = i % kChunks, x = x0 - input.dilation + pixel;
      const bool valid = inside && x >= 0 && x < input.w;
      const T* const map = chunk < kMapChunks ? input.maps[0] : input.maps[1];
      gpu::cp_async16(to + element_at<T, kIn>(pixel, chunk * kChunk<T>),
                      map + (first + (valid ? x : 0)) * kMapChannels + chunk % kMapChunks * kChunk<T>, valid);
    }
  }

  /// The weights of kTapRowsHeld tap rows from `a` on.
  __device__ static void load_weights(const Input<T>& input, int a, T* to) {
    constexpr int kChunks = A::kWeightColumns / kChunk<T>;
    const int tap_size = kOutputs * input.weight_channels;
    const T* const from = input.weights + (static_cast<std::size_t>(input.slice()) * 9 + 3 * a) * tap_size;
    for (int i = static_cast<int>(threadIdx.x); i < 3 * A::kTapRowsHeld * A::kWeightRows * kChunks;
         i += kThreads) {
      const int column = i % kChunks * kChunk<T>, row = i / kChunks % A::kWeightRows;
      const int tap = i / kChunks / A::kWeightRows;
      gpu::cp_async16(to + tap * kTap + A::weight_at(row, column),
                      from + tap * tap_size + row * A::source_stride(input.weight_channels) + column, true);
    }
  }
};

/// The grid of a kernel that calls Rows::compute: x blocks and slices, z images.
template <class T>
dim3 grid(const Input<T>& input, std::int64_t n) {
  return dim3(static_cast<unsigned>(Grid(input.h, input.w, input.dilation).blocks() * input.slices), 1,
              static_cast<unsigned>(n));
}

/// Stores a block's shifted sums as its partial; slice_channels: channels of the summed map per slice.
template <class T, class Sums>
__device__ void store_sums(const Input<T>& input, Sums& shifted_sums, float* to, int slice_channels) {
  const int channels = input.slices * slice_channels, blocks = static_cast<int>(gridDim.x) / input.slices;
  const std::size_t part = static_cast<std::size_t>(blockIdx.z) * blocks + input.block();
  shifted_sums.store(to + part * 9 * channels + input.slice() * slice_channels, channels);
}

/// The operands of a convolution; weights packed by pack().
template <class T>
Input<T> input(const Conv2dProblem& p, const std::array<const T*, 2>& maps, const T* weights) {
  return {{maps[0], maps[1]},
          weights,
          static_cast<int>(p.total_in_channels()),
          static_cast<int>(p.h),
          static_cast<int>(p.w),
          static_cast<int>(p.dilation),
          static_cast<int>(p.out_channels) / kOutputs};
}

/// Blocks per image, for each slice of kOutputs channels.
inline std::int64_t blocks_per_image(const Conv2dProblem& p) {
  return Grid(static_cast<int>(p.h), static_cast<int>(p.w), static_cast<int>(p.dilation)).blocks();
}

/// Packs weight (out_channels, in_channels, 3, 3) for Input::weights: slices of kOutputs outputs, in each the
/// nine taps. output(index): the output channel at a packed index; indices 8n + 2t + e of a slice belong to
/// the lanes with lane % 4 = t.
template <class T, class Output, class From, class To>
void pack(const Conv2dProblem& p, const From* weight, const Output& output, To* packed) {
  using A = Arithmetic<T, kMapChannels>;
  const int in_channels = static_cast<int>(p.total_in_channels()), stride = A::source_stride(in_channels);
  for (int index = 0; index < p.out_channels; ++index) {
    const From* const filter = weight + static_cast<std::size_t>(output(index)) * in_channels * 9;
    const int slice = index / kOutputs, o = index % kOutputs;
    for (int i = 0; i < in_channels; ++i) {
      for (int tap = 0; tap < 9; ++tap) {
        To* const to = packed + static_cast<std::size_t>(slice * 9 + tap) * kOutputs * in_channels;
        to[A::kOutputsAreRows ? o * stride + i : i * stride + o] = to_storage<To>(filter[i * 9 + tap]);
      }
    }
  }
}

}  // namespace sapnet::kernels::cuda::rows
