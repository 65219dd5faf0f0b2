// 2-D convolution (cross-correlation, as deep learning has it) with zero padding:
//
//   out[n, y, x, o] = f( bias[o] + Σ_{i,a,b} weight[o, i, a, b] · in[n, y·stride + a·dilation - padding,
//                                                                      x·stride + b·dilation - padding, i] )
//
// where f is, in this order and each part only when asked for: · scale[n, o]; ReLU; + residual; ReLU again
// when there were both, or, with relu_after_residual, only then. Maps are NHWC, dense, fp32 or, on a GPU,
// fp16.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"
#include "kernels/windows.h"

namespace sapnet::kernels {

/// Shapes of one convolution. The input may be two maps side by side along the channels, and so may the
/// output, when each of its maps has a multiple of 32.
struct Conv2dProblem {
  std::int64_t n = 1, h = 0, w = 0;              // input images, rows, columns
  std::array<std::int64_t, 2> in_channels = {};  // of the first and the second map; 0: there is no second
  std::int64_t out_channels = 0;
  std::int64_t kernel = 3, stride = 1, dilation = 1, padding = 1;  // the same along both axes
  std::int64_t out_maps = 1;                                       // that share out_channels: 1 or 2

  constexpr std::int64_t total_in_channels() const { return in_channels[0] + in_channels[1]; }
  constexpr std::int64_t out_map_channels() const { return out_channels / out_maps; }
  /// 0 where the kernel is larger than the padded input.
  constexpr std::int64_t out_h() const { return steps(h); }
  constexpr std::int64_t out_w() const { return steps(w); }

 private:
  constexpr std::int64_t steps(std::int64_t in) const {
    return window_count(in, dilation * (kernel - 1) + 1, stride, padding);
  }
};

/// How the sum is computed on the CPU.
enum class Conv2dAlgorithm {
  kDirect,     // in the order of the definition; any problem; what the other is held against
  kWinograd,   // F(4×4, 3×3), a quarter of the multiplications; dilated: on every d-th row and column
  kRgbOutput,  // direct, to three channels: a sum's terms are added in another order
};

/// The fastest algorithm that takes this problem.
Conv2dAlgorithm fastest_algorithm(const Conv2dProblem& problem);

/// In, Out: what the maps are stored as, float or, on a GPU, Half.
template <class In = float, class Out = In>
struct BasicConv2dArguments {
  std::array<const In*, 2> in = {};  // (n, h, w, in_channels[k]); the second null when there is none
  const In* weight = nullptr;        // as pack_conv2d made it
  const float* bias = nullptr;       // (out_channels), or null
  const float* scale = nullptr;      // (n, out_channels), or null
  const Out* residual = nullptr;     // (n, out_h, out_w, out_map_channels), or null; may be `out` itself
  bool relu = false;
  bool relu_after_residual = false;  // relu(sum + residual), as a ResNet has it, in place of two
  Out* out = nullptr;                // (n, out_h, out_w, out_map_channels); shares nothing with `in`
  Out* pre_residual = nullptr;       // the same, or null: what `residual` is added to, for the way back
  float* shifted_sums = nullptr;  // of `out`, (n, as many partials as the device writes, 9, out_channels), or
                                  // null: see kernels/shifted_sums/shifted_sums.h
  std::int64_t sums_dilation = 0;
  // Of two output maps, `out` and `residual` are the first one's and these the second's. A map that is null
  // is not computed. They come without bias, scale, ReLU and `shifted_sums`.
  const Out* second_residual = nullptr;
  Out* second_out = nullptr;
};
using Conv2dArguments = BasicConv2dArguments<>;

namespace cpu {

/// Floats that pack_conv2d writes.
std::size_t packed_conv2d_size(const Conv2dProblem& problem, Conv2dAlgorithm algorithm);

/// Arranges `weight` (out_channels, total_in_channels, kernel, kernel) the way conv2d reads it.
/// Only the problem's channels and kernel matter.
void pack_conv2d(const Conv2dProblem& problem, Conv2dAlgorithm algorithm, const float* weight, float* packed);

void conv2d(const Conv2dProblem& problem, Conv2dAlgorithm algorithm, const Conv2dArguments& arguments);

}  // namespace cpu

namespace cuda {

/// How conv2d computes a problem: by rows (rows.cuh), as a product of matrices that are there (cuBLAS) or
/// that are gathered on the way (igemm.cuh), or by definition.
enum class Conv2dPath { kRows, kMatmul, kIgemm, kGeneric };
Conv2dPath conv2d_path(const Conv2dProblem& problem);

/// The partials that conv2d writes of each image's shifted sums.
std::int64_t conv2d_partials(const Conv2dProblem& problem);

/// Numbers that pack_conv2d writes.
std::size_t packed_conv2d_size(const Conv2dProblem& problem);

/// Arranges `weight` (out_channels, total_in_channels, kernel, kernel), all in the host's memory, the way
/// conv2d on inputs of type T reads it. Only the problem's channels and kernel, stride, dilation and padding
/// matter.
template <class T>
void pack_conv2d(const Conv2dProblem& problem, const float* weight, T* packed);

/// Sums in fp32, fp16 maps by the tensor cores where the shape allows.
template <class In, class Out>
void conv2d(const Conv2dProblem& problem, const BasicConv2dArguments<In, Out>& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
