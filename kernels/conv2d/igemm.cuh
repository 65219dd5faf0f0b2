// Convolution as an implicit GEMM: (output pixels × inputs under their taps) · (inputs × filters). The first
// matrix (im2col) is gathered tile by tile and never materialised. For deep layers, whose many channels have
// too many weights for the shared memory of rows.cuh.
//
// Pixels are indexed over all images, so that small maps fill blocks too. A block computes kPixels pixels ×
// kOutputs channels in steps of kStep channels of one tap. While it multiplies one step, the pixels and
// weights of the next steps are copied asynchronously into a ring buffer in shared memory, with zeros where a
// tap falls outside the map.
//
// Per step a block reads (kPixels + kOutputs) · kStep values for kPixels · kOutputs · kStep multiply-adds,
// i.e. 21 per byte of L2 traffic in fp16 and 11 in fp32; a warp reads 96 · kStep values from shared memory
// for 2048 · kStep multiply-adds.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/gpu.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::igemm {

inline constexpr int kThreads = 128;
inline constexpr int kWarpsOfPixels = 2, kWarpsOfOutputs = 2;
inline constexpr int kPixels = kWarpsOfPixels * warp_tile::kPixels;
inline constexpr int kOutputs = kWarpsOfOutputs * warp_tile::kOutputs;
inline constexpr int kStep = 32;
inline constexpr int kBlocks = 3;  // resident per multiprocessor, for register allocation
static_assert(kWarpsOfPixels * kWarpsOfOutputs * gpu::kWarp == kThreads);

/// The operands of a convolution. Pixel indices are ints: 2^31 pixels of 32 channels are 128 GiB.
template <class T>
struct Input {
  const T* maps[2];  // (n, h, w, channels[k])
  int channels[2];   // multiples of kStep
  const T* weights;  // packed by pack()
  int h, w;
  int kernel, stride, dilation, padding;
  int pixels, out_h, out_w, out_channels;  // pixels: outputs of all images
};

/// The GEMM for maps and weights of type T.
template <class T>
struct Igemm {
  using Product = warp_tile::Product<T, kStep>;
  static constexpr int kStages = sizeof(T) == 2 ? 4 : 2;     // more where a step is shorter
  static constexpr int kTile = warp_tile::kOutputs * kStep;  // weights per warp
  static constexpr int kPixelsSize = kPixels * kStep, kWeightsSize = kOutputs * kStep;  // per stage
  static constexpr int kStage = kPixelsSize + kWeightsSize;
  static constexpr std::size_t kSharedBytes = sizeof(T) * static_cast<std::size_t>(kStages * kStage);

  /// Grid: x pixel blocks, y channel blocks. Each warp calls epilogue(pixel, channel, sums) for its tile,
  /// which begins at that pixel and channel; pixels from input.pixels on are padding. A warp skips its tile
  /// if all of it is padding, or if !wanted(channel).
  template <class Wanted, class Epilogue>
  __device__ static void compute(const Input<T>& input, const Wanted& wanted, const Epilogue& epilogue) {
    DYNAMIC_SHARED(T, ring);
    const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const int first_pixel = warp / kWarpsOfOutputs * warp_tile::kPixels;
    const int first_output = warp % kWarpsOfOutputs * warp_tile::kOutputs;
    const int pixel = static_cast<int>(blockIdx.x) * kPixels + first_pixel;
    const int output = static_cast<int>(blockIdx.y) * kOutputs + first_output;
    const bool mine = pixel < input.pixels && wanted(output);
    const int steps = (input.channels[0] + input.channels[1]) / kStep * input.kernel * input.kernel;

    Loader loader(input);
    const auto load = [&](int step) {
      if (step < steps) loader.load_next(ring + step % kStages * kStage);
      gpu::cp_async_commit();
    };
    for (int step = 0; step < kStages - 1; ++step) load(step);
    warp_tile::Sums sums = {};
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
      gpu::cp_async_wait<kStages - 2>();
      __syncthreads();
      load(step + kStages - 1);  // overwrites the previous step's stage
      const T* const stage = ring + step % kStages * kStage;
      if (mine) Product::multiply(stage, first_pixel, stage + kPixelsSize + first_output * kStep, lane, sums);
    }
    if (mine) epilogue(pixel, output, sums);
  }

 private:
  /// A thread's share of the loads: the same rows of pixels and weights in each step, in the order of pack().
  class Loader {
   public:
    __device__ explicit Loader(const Input<T>& input)
        : input_(input), weights_(input.weights + blockIdx.y * kWeightsSize) {
#pragma unroll
      for (int i = 0; i < kShare; ++i) {
        const int pixel = static_cast<int>(blockIdx.x) * kPixels + row_of(i);
        const int image = pixel / input.out_w / input.out_h;
        const int y = pixel / input.out_w % input.out_h * input.stride - input.padding;
        x_[i] = pixel % input.out_w * input.stride - input.padding;
        y_[i] = pixel < input.pixels ? y : kFarAbove;
        at_[i] = (image * input.h + y) * input.w + x_[i];
      }
    }

    __device__ void load_next(T* stage) {
      const bool second = channel_ >= input_.channels[0];
      const int channels = second ? input_.channels[1] : input_.channels[0];
      const T* const map =
          (second ? input_.maps[1] + (channel_ - input_.channels[0]) : input_.maps[0] + channel_) + column();
      const int down = tap_y_ * input_.dilation, right = tap_x_ * input_.dilation;
#pragma unroll
      for (int i = 0; i < kShare; ++i) {
        const int y = y_[i] + down, x = x_[i] + right;
        const bool valid = y >= 0 && y < input_.h && x >= 0 && x < input_.w;
        const int from = valid ? at_[i] + down * input_.w + right : 0;
        gpu::cp_async16(stage + warp_tile::element_at<T, kStep>(row_of(i), column()),
                        map + static_cast<std::size_t>(from) * channels, valid);
      }
#pragma unroll
      for (int i = 0; i < kWeightsSize / warp_tile::kChunk<T> / kThreads; ++i) {
        const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * warp_tile::kChunk<T>;
        const int row = k % kTile / Product::kWeightColumns, column = k % Product::kWeightColumns;
        gpu::cp_async16(stage + kPixelsSize + k / kTile * kTile + Product::weight_at(row, column),
                        weights_ + k, true);
      }
      weights_ += static_cast<std::size_t>(input_.out_channels) * kStep;
      if (++tap_x_ < input_.kernel) return;
      tap_x_ = 0;
      if (++tap_y_ < input_.kernel) return;
      tap_y_ = 0;
      channel_ += kStep;
    }

   private:
    static constexpr int kChunks = kStep / warp_tile::kChunk<T>;  // per pixel
    static constexpr int kShare = kPixels * kChunks / kThreads;
    static constexpr int kFarAbove = -(1 << 30);  // so far above the map that no tap reaches it

    __device__ static int row_of(int i) {
      return i * (kThreads / kChunks) + static_cast<int>(threadIdx.x) / kChunks;
    }
    __device__ static int column() { return static_cast<int>(threadIdx.x) % kChunks * warp_tile::kChunk<T>; }

    const Input<T>& input_;
    int y_[kShare], x_[kShare], at_[kShare];  // of the first tap; at_: its pixel index in the map
    int tap_y_ = 0, tap_x_ = 0, channel_ = 0;
    const T* weights_;
  };
};

/// The operands of a convolution; weights packed by pack().
template <class T>
Input<T> input(const Conv2dProblem& p, const std::array<const T*, 2>& maps, const T* weights) {
  return {.maps = {maps[0], maps[1]},
          .channels = {static_cast<int>(p.in_channels[0]), static_cast<int>(p.in_channels[1])},
          .weights = weights,
          .h = static_cast<int>(p.h),
          .w = static_cast<int>(p.w),
          .kernel = static_cast<int>(p.kernel),
          .stride = static_cast<int>(p.stride),
          .dilation = static_cast<int>(p.dilation),
          .padding = static_cast<int>(p.padding),
          .pixels = static_cast<int>(p.n * p.out_h() * p.out_w()),
          .out_h = static_cast<int>(p.out_h()),
          .out_w = static_cast<int>(p.out_w()),
          .out_channels = static_cast<int>(p.out_channels)};
}

/// Packs weight (out_channels, in_channels, kernel, kernel) for Input::weights: step by step, with all taps
/// of the same kStep channels adjacent for locality; within a step tile by tile, each with
/// warp_tile::kOutputs outputs. output(index): the output channel at a packed index.
template <class T, class Output, class From, class To>
void pack(const Conv2dProblem& p, const From* weight, const Output& output, To* packed) {
  using Tiles = Igemm<T>;
  constexpr bool kOutputsAreRows = Tiles::Product::kOutputsAreRows;
  const int in_channels = static_cast<int>(p.total_in_channels()),
            taps = static_cast<int>(p.kernel * p.kernel);
  for (int channel = 0; channel < in_channels; channel += kStep)
    for (int tap = 0; tap < taps; ++tap)
      for (int tile = 0; tile < p.out_channels; tile += warp_tile::kOutputs)
        for (int k = 0; k < Tiles::kTile; ++k) {
          const int o = kOutputsAreRows ? k / kStep : k % warp_tile::kOutputs;
          const int i = kOutputsAreRows ? k % kStep : k / warp_tile::kOutputs;
          const auto filter = static_cast<std::size_t>(output(tile + o)) * in_channels + channel + i;
          *packed++ = to_storage<To>(weight[filter * taps + tap]);
        }
}

}  // namespace sapnet::kernels::cuda::igemm
