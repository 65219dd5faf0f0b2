// The gradients of a convolution. With out = f(sum) as in conv2d.h, and d… the gradient of the
// loss by …:
//
//   grad_preactivation[n, y, x, o]   = scale[n, o] · dout · [where f passed the sum on] + shift[n, o]
//   din[n, y, x, i]    = Σ_{o,a,b} weight[o, i, a, b] · grad_preactivation[n, y - a·dilation + padding,
//                                                            x - b·dilation + padding, o]      (dgrad)
//   dweight[o, i, a, b] = Σ_{n,y,x} grad_preactivation[n, y, x, o] · in[n, y + a·dilation - padding,
//                                                            x + b·dilation - padding, i]      (wgrad)
//   dbias[o]           = Σ_{n,y,x} grad_preactivation[n, y, x, o]
//
// where dgrad's equation is for a stride of 1. It is then itself a convolution, of grad_preactivation, with
// the filter's channels swapped and its taps reversed: conv2d computes it. A stride s takes every s-th of the
// outputs that a stride of 1 would have; so its dgrad is that of stride 1, of grad_preactivation with zeros
// where the others would lie (kernels/zero_insert).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

/// The convolution of grad_preactivation, or of grad_preactivation with zeros between, that gives din of
/// input map 0 or 1.
Conv2dProblem dgrad_problem(const Conv2dProblem& problem, std::size_t map);

/// Whether one convolution gives din of both input maps, as the two maps of its output; and that convolution.
bool has_joint_dgrad(const Conv2dProblem& problem);
Conv2dProblem joint_dgrad_problem(const Conv2dProblem& problem);

/// Its weight, (total_in_channels, out_channels, kernel, kernel), from the forward's, (out_channels,
/// total_in_channels, kernel, kernel). Both in the host's memory. The rows of each map's channels are the
/// weight of its own convolution.
void dgrad_weight(const Conv2dProblem& problem, const float* weight, float* reversed);

/// The way back through f. An output passes the gradient on where it is positive when f has a ReLU, the sum
/// where `pre_residual` is.
/// T: what the maps are stored as, float or, on a GPU, Half.
template <class T = float>
struct BasicConv2dEpilogueBackwardArguments {
  const T* dout = nullptr;          // (n, out_h, out_w, out_channels)
  const T* out = nullptr;           // the same; null: f has no ReLU
  const T* pre_residual = nullptr;  // relu(scale · sum), before the residual came to it; null: as `out`
  const float* scale = nullptr;     // (n, out_channels), or null for 1
  const float* shift = nullptr;     // (n, out_channels), or null for 0
  T* grad_preactivation = nullptr;  // (n, out_h, out_w, out_channels); may be `dout` itself
  // The residual's gradient: what came to it from elsewhere, or null for none, and with what comes from here;
  // the latter null when it is not wanted. Both may be the same.
  const T* dresidual_before = nullptr;  // (n, out_h, out_w, out_channels)
  T* dresidual = nullptr;               // (n, out_h, out_w, out_channels)
};
using Conv2dEpilogueBackwardArguments = BasicConv2dEpilogueBackwardArguments<>;

/// What the weights were used on, and the gradient that came back to it.
/// In, Grad: what the input maps and grad_preactivation are stored as.
template <class In = float, class Grad = In>
struct BasicWgradInput {
  std::array<const In*, 2> in = {};          // (n, h, w, in_channels[k]); an absent second map is zero
  const Grad* grad_preactivation = nullptr;  // (n, out_h, out_w, out_channels)
};
using WgradInput = BasicWgradInput<>;

/// Of one wgrad.
inline constexpr std::size_t kMaxWgradInputs = 8;

/// A network that uses the same weights several times, as SAPNet does in each of its stages, has the sum over
/// these inputs for their gradient.
template <class In = float, class Grad = In>
struct BasicConv2dWgradArguments {
  /// One to kMaxWgradInputs of them, each an instance of the problem. Either all have a second map or none.
  std::span<const BasicWgradInput<In, Grad>> inputs;
  float* dweight = nullptr;  // (out_channels, total_in_channels, kernel, kernel), which wgrad is added to
  float* dbias = nullptr;    // (out_channels), likewise; or null
};
using Conv2dWgradArguments = BasicConv2dWgradArguments<>;

namespace cpu {

void conv2d_epilogue_backward(const Conv2dProblem& problem, const Conv2dEpilogueBackwardArguments& arguments);

/// dscale[n, o] = Σ_{y,x} dout · [out > 0] · relu(sum): how the loss depends on the scale. Of the arguments,
/// dout, out, pre_residual and scale are read, and scale must be positive. dscale: (n, out_channels), in
/// double.
void conv2d_scale_backward(const Conv2dProblem& problem, const Conv2dEpilogueBackwardArguments& arguments,
                           double* dscale);

/// kWinograd where conv2d takes it: the transpose of F(4×4, 3×3), likewise a quarter of the multiplications.
void conv2d_wgrad(const Conv2dProblem& problem, Conv2dAlgorithm algorithm,
                  const Conv2dWgradArguments& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void conv2d_epilogue_backward(const Conv2dProblem& problem,
                              const BasicConv2dEpilogueBackwardArguments<T>& arguments, CudaStream stream);

/// Floats that conv2d_wgrad needs to work in, for so many inputs.
std::size_t conv2d_wgrad_workspace(const Conv2dProblem& problem, std::size_t inputs);

/// Sums in fp32, over all inputs at once. Where one side is fp16 and the other images, in fp32, of so few
/// channels that the tensor cores take both (wgrad_rows.cuh), the images count as rounded to fp16.
template <class In, class Grad>
void conv2d_wgrad(const Conv2dProblem& problem, const BasicConv2dWgradArguments<In, Grad>& arguments,
                  float* workspace, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
