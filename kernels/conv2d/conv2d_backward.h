// The gradients of a convolution. With out = f(sum) as in conv2d.h, dX the gradient of the loss with respect
// to X, and g = grad_preactivation = dsum:
//
//   g[n, y, x, o]       = scale[n, o] · dout · [mask of f's ReLUs] + shift[n, o]
//   din[n, y, x, i]     = Σ_{o,a,b} weight[o, i, a, b] · g[n, y - a·dilation + padding,
//                                                          x - b·dilation + padding, o]              (dgrad)
//   dweight[o, i, a, b] = Σ_{n,y,x} g[n, y, x, o] · in[n, y + a·dilation - padding,
//                                                      x + b·dilation - padding, i]                  (wgrad)
//   dbias[o]            = Σ_{n,y,x} g[n, y, x, o]
//
// for stride 1. dgrad is then itself a convolution of g, with the filter's channels swapped and its taps
// reversed, and conv2d computes it. A convolution of stride s computes every s-th output of the one of stride
// 1, so its dgrad is that of stride 1 applied to g with zeros inserted (kernels/zero_insert).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

/// The convolution of grad_preactivation, with zeros inserted for a stride above 1, that computes din of
/// input map 0 or 1.
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

/// The backward pass of f. Where f has a ReLU, the gradient is masked by out > 0, and that of the
/// preactivation also by pre_residual > 0. T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct BasicConv2dEpilogueBackwardArguments {
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
};
using Conv2dEpilogueBackwardArguments = BasicConv2dEpilogueBackwardArguments<>;

/// One input of a convolution and the gradient of its preactivation. In, Grad: storage types of the input
/// maps and of grad_preactivation.
template <class In = float, class Grad = In>
struct BasicWgradInput {
  std::array<const In*, 2> in = {};          // (n, h, w, in_channels[k]); a null second map is zero
  const Grad* grad_preactivation = nullptr;  // (n, out_h, out_w, out_channels)
};
using WgradInput = BasicWgradInput<>;

/// Per wgrad launch.
inline constexpr std::size_t kMaxWgradInputs = 8;

/// The same weights may be applied to several inputs, as in SAPNet's stages; their gradient is then the sum.
template <class In = float, class Grad = In>
struct BasicConv2dWgradArguments {
  /// 1 to kMaxWgradInputs inputs, each with the problem's shape. Either all have a second map or none.
  std::span<const BasicWgradInput<In, Grad>> inputs;
  float* dweight = nullptr;  // (out_channels, total_in_channels, kernel, kernel), accumulated into
  float* dbias = nullptr;    // (out_channels), accumulated into; or null
};
using Conv2dWgradArguments = BasicConv2dWgradArguments<>;

namespace cpu {

void conv2d_epilogue_backward(const Conv2dProblem& problem, const Conv2dEpilogueBackwardArguments& arguments);

/// dscale[n, o] = Σ_{y,x} dout · [out > 0] · relu(sum), the gradient of the scale. Reads dout, out,
/// pre_residual and scale, which must be positive. dscale: (n, out_channels), in double.
void conv2d_scale_backward(const Conv2dProblem& problem, const Conv2dEpilogueBackwardArguments& arguments,
                           double* dscale);

/// kWinograd is supported where conv2d supports it: the transpose of F(4×4, 3×3), also a quarter of the
/// multiplications.
void conv2d_wgrad(const Conv2dProblem& problem, Conv2dAlgorithm algorithm,
                  const Conv2dWgradArguments& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void conv2d_epilogue_backward(const Conv2dProblem& problem,
                              const BasicConv2dEpilogueBackwardArguments<T>& arguments, CudaStream stream);

/// Workspace of conv2d_wgrad in floats, for this many inputs.
std::size_t conv2d_wgrad_workspace(const Conv2dProblem& problem, std::size_t inputs);

/// Accumulates in fp32, over all inputs at once. If one side is fp16 and the other an fp32 image of so few
/// channels that the tensor cores handle both (wgrad_rows.cuh), the image is rounded to fp16.
template <class In, class Grad>
void conv2d_wgrad(const Conv2dProblem& problem, const BasicConv2dWgradArguments<In, Grad>& arguments,
                  float* workspace, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
