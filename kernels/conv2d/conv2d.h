// 2-D convolution (cross-correlation, as usual in deep learning) with zero padding:
//
//   out[n, y, x, o] = f( bias[o] + Σ_{i,a,b} weight[o, i, a, b] · in[n, y·stride + a·dilation - padding,
//                                                                      x·stride + b·dilation - padding, i] )
//
// The epilogue f applies these optional steps in order: · scale[n, o]; ReLU; + residual; ReLU again if there
// were both. With relu_after_residual only the last ReLU is applied. Maps are NHWC, dense, fp32 or, on a GPU,
// fp16.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"
#include "kernels/windows.h"

namespace sapnet::kernels {

/// Shapes of one convolution. The input may be two maps concatenated along the channels; so may the output,
/// if each of its maps has a multiple of 32 channels.
struct Conv2dProblem {
  std::int64_t n = 1, h = 0, w = 0;              // input images, rows, columns
  std::array<std::int64_t, 2> in_channels = {};  // of the two input maps; 0: no second map
  std::int64_t out_channels = 0;
  std::int64_t kernel = 3, stride = 1, dilation = 1, padding = 1;  // the same along both axes
  std::int64_t out_maps = 1;                                       // into which out_channels is split: 1 or 2

  constexpr std::int64_t total_in_channels() const { return in_channels[0] + in_channels[1]; }
  constexpr std::int64_t out_map_channels() const { return out_channels / out_maps; }
  /// 0 if the kernel is larger than the padded input.
  constexpr std::int64_t out_h() const { return steps(h); }
  constexpr std::int64_t out_w() const { return steps(w); }

 private:
  constexpr std::int64_t steps(std::int64_t in) const {
    return window_count(in, dilation * (kernel - 1) + 1, stride, padding);
  }
};

/// CPU algorithms.
enum class Conv2dAlgorithm {
  kDirect,    // direct, in the order of the definition; any problem; the reference for the others
  kWinograd,  // F(4×4, 3×3), a quarter of the multiplications; with dilation d on every d-th row and column
  kRgbOutput,  // direct, to three output channels; sums in another order
};

/// The fastest algorithm that supports this problem.
Conv2dAlgorithm fastest_algorithm(const Conv2dProblem& problem);

/// In, Out: storage types of the maps, float or, on a GPU, Half.
template <class In = float, class Out = In>
struct BasicConv2dArguments {
  std::array<const In*, 2> in = {};  // (n, h, w, in_channels[k]); the second null if there is none
  const In* weight = nullptr;        // packed by pack_conv2d
  const float* bias = nullptr;       // (out_channels), or null
  const float* scale = nullptr;      // (n, out_channels), or null
  const Out* residual = nullptr;     // (n, out_h, out_w, out_map_channels), or null; may alias `out`
  bool relu = false;
  bool relu_after_residual = false;  // one ReLU, relu(conv + residual), as in a ResNet
  Out* out = nullptr;                // (n, out_h, out_w, out_map_channels); must not overlap `in`
  Out* pre_residual = nullptr;       // the same, or null: the map before the residual, for the backward pass
  float* shifted_sums = nullptr;  // of `out`, (n, device-dependent number of partials, 9, out_channels), or
                                  // null; see kernels/shifted_sums/shifted_sums.h
  std::int64_t sums_dilation = 0;
  // With two output maps, `out` and `residual` belong to the first and these to the second. A null map is not
  // computed. Not combined with bias, scale, ReLU or `shifted_sums`.
  const Out* second_residual = nullptr;
  Out* second_out = nullptr;
};
using Conv2dArguments = BasicConv2dArguments<>;

namespace cpu {

/// Size of the packed weights in floats.
std::size_t packed_conv2d_size(const Conv2dProblem& problem, Conv2dAlgorithm algorithm);

/// Packs `weight` (out_channels, total_in_channels, kernel, kernel) for conv2d. Depends only on the problem's
/// channels and kernel.
void pack_conv2d(const Conv2dProblem& problem, Conv2dAlgorithm algorithm, const float* weight, float* packed);

void conv2d(const Conv2dProblem& problem, Conv2dAlgorithm algorithm, const Conv2dArguments& arguments);

}  // namespace cpu

namespace cuda {

/// The kernel that conv2d uses: streamed rows (rows.cuh), a GEMM (cuBLAS), an implicit GEMM (igemm.cuh), or
/// the generic direct kernel.
enum class Conv2dPath { kRows, kMatmul, kIgemm, kGeneric };
Conv2dPath conv2d_path(const Conv2dProblem& problem);

/// Number of partials that conv2d writes per image for the shifted sums.
std::int64_t conv2d_partials(const Conv2dProblem& problem);

/// Number of packed weights.
std::size_t packed_conv2d_size(const Conv2dProblem& problem);

/// Packs `weight` (out_channels, total_in_channels, kernel, kernel) for conv2d on inputs of type T; all in
/// host memory. Depends only on the problem's channels, kernel, stride, dilation and padding. From float to
/// T; or from std::int32_t to std::int32_t, where packing 1, 2, 3, … gives the index table for
/// kernels/gather.
template <class T, class From, class To>
void pack_conv2d(const Conv2dProblem& problem, const From* weight, To* packed);

/// Accumulates in fp32; fp16 maps on the tensor cores where the shape allows.
template <class In, class Out>
void conv2d(const Conv2dProblem& problem, const BasicConv2dArguments<In, Out>& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
