// The gradients of an attended convolution. As in attended_conv.h, y = conv(in) + bias with mean m, and s =
// σ(W2 relu(W1 m) + W3 m). The gradient through the mean is the same for every pixel:
//
//   dy = s · dout · [y > 0] + κ,   κ = dm / (h·w)          with dout masked by the outer ReLU first
//   ds = Σ_{y,x} dout · relu(y),   dl = ds · s (1 - s)     gradient of the logits
//   dm = W3ᵀ dl + W1ᵀ ((W2ᵀ dl) · [W1 m > 0])
//   dW3 = dl ⊗ m,   dW2 = dl ⊗ relu(W1 m),   dW1 = ((W2ᵀ dl) · [W1 m > 0]) ⊗ m
//
// With κ included in dy, the rest is the backward pass of a plain convolution (conv2d_backward.h).
#pragma once

#include "kernels/attended_conv/attended_conv.h"

namespace sapnet::kernels {

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct BasicAttendedConvBackwardArguments {
  const T* dout = nullptr;              // (n, h, w, c)
  const T* out = nullptr;               // (n, h, w, c)
  const T* pre_residual = nullptr;      // relu(s · y), before the residual was added; null: `out`
  const float* shifted_sums = nullptr;  // this and the following as in the forward pass
  std::int64_t partials = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;
  const float* w1 = nullptr;
  const float* w2 = nullptr;
  const float* w3 = nullptr;
  T* dy = nullptr;                      // (n, h, w, c); may alias `dout`
  const T* dresidual_before = nullptr;  // (n, h, w, c), or null: see BasicConv2dEpilogueBackwardArguments
  T* dresidual = nullptr;               // (n, h, w, c), or null
  float* dw1 = nullptr;                 // (hidden, c); all three are accumulated into
  float* dw2 = nullptr;                 // (c, hidden)
  float* dw3 = nullptr;                 // (c, c)
};
using AttendedConvBackwardArguments = BasicAttendedConvBackwardArguments<>;

namespace cpu {

void attended_conv_backward(const AttendedConvProblem& problem,
                            const AttendedConvBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Workspace of attended_conv_backward in floats, for shifted sums with this many partials; aligned to
/// double.
std::size_t attended_conv_backward_workspace(const AttendedConvProblem& problem, std::int64_t partials);

template <class T>
void attended_conv_backward(const AttendedConvProblem& problem,
                            const BasicAttendedConvBackwardArguments<T>& arguments, float* workspace,
                            CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
