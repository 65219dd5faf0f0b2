// 2-D convolution (cross-correlation, as usual in deep learning) with zero padding:
//
//   out[n, y, x, o] = f( bias[o] + Σ_{i,a,b} weight[o, i, a, b] · in[n, y·stride + a·dilation - padding,
//                                                                      x·stride + b·dilation - padding, i] )
//
// The epilogue f applies these optional steps in order: · scale[n, o]; ReLU; + residual; and, with ReLU
// and residual, a second ReLU. relu_after_residual leaves out the first ReLU. Maps are NHWC, dense, fp32 or,
// on a GPU, fp16.
//
// The gradients, with dX the gradient of the loss with respect to X, and g = grad_preactivation the gradient
// of the sum, before f:
//
//   g[n, y, x, o]       = scale[n, o] · dout · [mask of f's ReLUs] + shift[n, o]
//   din[n, y, x, i]     = Σ_{o,a,b} weight[o, i, a, b] · g[n, y - a·dilation + padding,
//                                                          x - b·dilation + padding, o]              (dgrad)
//   dweight[o, i, a, b] = Σ_{n,y,x} g[n, y, x, o] · in[n, y + a·dilation - padding,
//                                                      x + b·dilation - padding, i]                  (wgrad)
//   dbias[o]            = Σ_{n,y,x} g[n, y, x, o]
//
// for stride 1. dgrad is then itself a convolution of g, with the filter's channels swapped and its taps
// reversed, and conv2d computes it. A convolution with stride s computes every s-th output of the same
// convolution with stride 1, so its dgrad is the stride-1 dgrad of g with zeros inserted
// (kernels/zero_insert).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "kernels/context.h"
#include "kernels/shifted_sums/shifted_sums.h"
#include "kernels/windows.h"

namespace sapnet::kernels {

/// How the CPU computes a convolution.
enum class Conv2dAlgorithm {
  kDirect,    // direct, in the order of the definition; supports any problem; the reference for the others
  kWinograd,  // F(4×4, 3×3), a quarter of the multiplications; with dilation d on every d-th row and column
  kRgbOutput,  // direct, three output channels; sums in a different order
};

/// One convolution. The input may be two maps concatenated along the channels; so may the output,
/// if each of its maps has a multiple of 32 channels.
struct Conv2dProblem {
  std::int64_t n = 1, h = 0, w = 0;              // input images, rows, columns
  std::array<std::int64_t, 2> in_channels = {};  // of the two input maps; 0: no second map
  std::int64_t out_channels = 0;
  std::int64_t kernel = 3, stride = 1, dilation = 1, padding = 1;  // the same along both axes
  std::int64_t out_maps = 1;                                       // into which out_channels is split: 1 or 2
  Conv2dAlgorithm algorithm = Conv2dAlgorithm::kDirect;  // on the CPU; determines the packing of the weights

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

/// The fastest algorithm that supports this problem; ignores its `algorithm`.
Conv2dAlgorithm fastest_algorithm(const Conv2dProblem& problem);

/// In, Out: storage types of the maps, float or, on a GPU, Half.
template <class In = float, class Out = In>
struct Conv2dArguments {
  std::array<const In*, 2> in = {};  // (n, h, w, in_channels[k]); the second null if there is none
  const In* weight = nullptr;        // packed by pack_conv2d
  const float* bias = nullptr;       // (out_channels), or null
  const float* scale = nullptr;      // (n, out_channels), or null
  const Out* residual = nullptr;     // (n, out_h, out_w, out_map_channels), or null; may alias `out`
  bool relu = false;
  bool relu_after_residual = false;  // one ReLU, relu(conv + residual), as in a ResNet
  Out* out = nullptr;                // (n, out_h, out_w, out_map_channels); must not overlap `in`
  Out* pre_residual = nullptr;       // the same, or null: the map before the residual, for the backward pass
  float* shifted_sums = nullptr;     // of `out`, (n, conv2d_partials(context, problem), 9, out_channels), or
                                     // null; see kernels/shifted_sums/shifted_sums.h
  std::int64_t sums_dilation = 0;
  // With two output maps, `out` and `residual` belong to the first and these to the second. A null map is not
  // computed. Not combined with bias, scale, ReLU or `shifted_sums`.
  const Out* second_residual = nullptr;
  Out* second_out = nullptr;

  static auto arrays(auto& a) {
    return std::tie(a.in, a.weight, a.bias, a.scale, a.residual, a.out, a.pre_residual, a.shifted_sums,
                    a.second_residual, a.second_out);
  }
};

/// The backward pass of f. Where f has a ReLU, the gradient is masked by out > 0, and grad_preactivation also
/// by pre_residual > 0. T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct Conv2dEpilogueBackwardArguments {
  const T* dout = nullptr;          // (n, out_h, out_w, out_channels)
  const T* out = nullptr;           // the same; null: f has no ReLU
  const T* pre_residual = nullptr;  // relu(scale · sum), before the residual was added; null: as `out`
  const float* scale = nullptr;     // (n, out_channels), or null for 1
  const float* shift = nullptr;     // (n, out_channels), or null for 0
  T* grad_preactivation = nullptr;  // (n, out_h, out_w, out_channels); may alias `dout`
  // The residual's gradient: dresidual = dresidual_before + masked dout. dresidual_before is null for zero;
  // dresidual is null if not wanted. The two may alias.
  const T* dresidual_before = nullptr;  // (n, out_h, out_w, out_channels)
  T* dresidual = nullptr;               // (n, out_h, out_w, out_channels)

  static auto arrays(auto& a) {
    return std::tie(a.dout, a.out, a.pre_residual, a.scale, a.shift, a.grad_preactivation, a.dresidual_before,
                    a.dresidual);
  }
};

/// One input of a convolution and the gradient of its preactivation. In, Grad: storage types of the input
/// maps and of grad_preactivation.
template <class In = float, class Grad = In>
struct WgradInput {
  std::array<const In*, 2> in = {};          // (n, h, w, in_channels[k]); a null second map is zero
  const Grad* grad_preactivation = nullptr;  // (n, out_h, out_w, out_channels)

  static auto arrays(auto& a) { return std::tie(a.in, a.grad_preactivation); }
};

/// Per wgrad launch.
inline constexpr std::size_t kMaxWgradInputs = 8;

/// The same weights may be applied to several inputs, as in SAPNet's stages; their gradient is then the sum.
template <class In = float, class Grad = In>
struct Conv2dWgradArguments {
  /// The first `count` are used, at least one, each with the problem's shape. Either all have a second map or
  /// none.
  std::array<WgradInput<In, Grad>, kMaxWgradInputs> inputs = {};
  std::size_t count = 1;
  float* dweight = nullptr;  // (out_channels, total_in_channels, kernel, kernel), accumulated into
  float* dbias = nullptr;    // (out_channels), accumulated into; or null

  static auto arrays(auto& a) { return std::tie(a.inputs, a.dweight, a.dbias); }
};

/// The convolution that computes din of input map 0 or 1 from grad_preactivation, with zeros inserted if the
/// stride is above 1.
Conv2dProblem dgrad_problem(const Conv2dProblem& problem, std::size_t map);

/// Whether one convolution can compute din of both input maps, as the two maps of its output; and that
/// convolution.
bool has_joint_dgrad(const Conv2dProblem& problem);
Conv2dProblem joint_dgrad_problem(const Conv2dProblem& problem);

/// dgrad's weight, (total_in_channels, out_channels, kernel, kernel), from the forward one, (out_channels,
/// total_in_channels, kernel, kernel); both in host memory. The rows of one map's channels are the weight of
/// that map's dgrad. T: float, or std::int32_t for indices of weights.
template <class T>
void dgrad_weight(const Conv2dProblem& problem, const T* weight, T* reversed);

namespace cpu {

/// Number of packed weights.
std::int64_t packed_conv2d_size(const Context& context, const Conv2dProblem& problem);

/// Packs `weight` (out_channels, total_in_channels, kernel, kernel) for conv2d. Depends only on the problem's
/// channels, kernel and algorithm.
void pack_conv2d(const Context& context, const Conv2dProblem& problem, const float* weight, float* packed);

/// Number of partials that conv2d writes per image for the shifted sums.
inline std::int64_t conv2d_partials(const Context& context, const Conv2dProblem& problem) {
  return shifted_sums_partials(context, problem.out_h());
}

void conv2d(const Context& context, const Conv2dProblem& problem, const Conv2dArguments<>& arguments);

void conv2d_epilogue_backward(const Context& context, const Conv2dProblem& problem,
                              const Conv2dEpilogueBackwardArguments<>& arguments);

/// dscale[n, o] = Σ_{y,x} dout · [out > 0] · relu(sum), the gradient of the scale. Reads dout, out,
/// pre_residual and scale, which must be positive. dscale: (n, out_channels), in double.
void conv2d_scale_backward(const Conv2dProblem& problem, const Conv2dEpilogueBackwardArguments<>& arguments,
                           double* dscale);

/// kWinograd is supported where conv2d supports it: the transpose of F(4×4, 3×3), also a quarter of the
/// multiplications.
void conv2d_wgrad(const Context& context, const Conv2dProblem& problem,
                  const Conv2dWgradArguments<>& arguments);

}  // namespace cpu

namespace cuda {

/// The kernel that conv2d uses: streamed rows (rows.cuh), a GEMM (cuBLAS), an implicit GEMM (igemm.cuh), one
/// for thin maps (thin.cuh), or the generic direct kernel, which also replaces the GEMM without cuBLAS, and
/// the one for thin maps where the other maps are fp32.
enum class Conv2dPath { kRows, kMatmul, kIgemm, kThin, kGeneric };
Conv2dPath conv2d_path(const Conv2dProblem& problem);

/// Number of packed weights.
std::int64_t packed_conv2d_size(const Context& context, const Conv2dProblem& problem);

/// Packs `weight` (out_channels, total_in_channels, kernel, kernel) for conv2d on inputs of type T; all in
/// host memory. Depends only on the problem's channels, kernel, stride, dilation and padding.
template <class T>
void pack_conv2d(const Context& context, const Conv2dProblem& problem, const float* weight, T* packed);

/// The same for the indices of weights: packing 1, 2, 3, … gives the index table for kernels/gather.
template <class T>
void pack_conv2d_indices(const Conv2dProblem& problem, const std::int32_t* indices, std::int32_t* packed);

/// Number of partials that conv2d writes per image for the shifted sums.
std::int64_t conv2d_partials(const Context& context, const Conv2dProblem& problem);

/// Accumulates in fp32; fp16 maps on the tensor cores where the shape allows. If the output is fp16 and the
/// input a thin fp32 image (thin.cuh), the weights are rounded to fp16.
template <class In, class Out>
void conv2d(const Context& context, const Conv2dProblem& problem, const Conv2dArguments<In, Out>& arguments);

template <class T>
void conv2d_epilogue_backward(const Context& context, const Conv2dProblem& problem,
                              const Conv2dEpilogueBackwardArguments<T>& arguments);

/// Accumulates in fp32, over all inputs at once. If one side is fp16 and the other a thin fp32 image
/// (wgrad_rows.cuh), the image is rounded to fp16 for the tensor cores.
template <class In, class Grad>
void conv2d_wgrad(const Context& context, const Conv2dProblem& problem,
                  const Conv2dWgradArguments<In, Grad>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
