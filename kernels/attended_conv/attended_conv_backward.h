// The gradients of an attended convolution. As in attended_conv.h, y = conv(in) + bias with mean m, and
// s = σ(W2 relu(W1 m) + W3 m). Where the loss reaches y by way of its mean, it reaches every pixel alike:
//
//   dy = s · dout · [y > 0] + κ,   κ = dm / (h·w)          dout first passed through the outer ReLU
//   ds = Σ_{y,x} dout · relu(y),   dl = ds · s (1 - s)     of the logits
//   dm = W3ᵀ dl + W1ᵀ ((W2ᵀ dl) · [W1 m > 0])
//   dW3 = dl ⊗ m,   dW2 = dl ⊗ relu(W1 m),   dW1 = ((W2ᵀ dl) · [W1 m > 0]) ⊗ m
//
// With κ in dy, what remains is a plain convolution's: conv2d_backward.h has dgrad and wgrad.
#pragma once

#include "kernels/attended_conv/attended_conv.h"

namespace sapnet::kernels {

/// T: what maps are stored as, float or, on a GPU, Half.
template <class T = float>
struct BasicAttendedConvBackwardArguments {
  const T* dout = nullptr;              // (n, h, w, c)
  const T* out = nullptr;               // (n, h, w, c)
  const T* pre_residual = nullptr;      // relu(s · y), before the residual came to it; null: `out`
  const float* shifted_sums = nullptr;  // and, as the forward pass had them:
  std::int64_t partials = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;
  const float* w1 = nullptr;
  const float* w2 = nullptr;
  const float* w3 = nullptr;
  T* dy = nullptr;                      // (n, h, w, c); may be `dout` itself
  const T* dresidual_before = nullptr;  // (n, h, w, c), or null: see BasicConv2dEpilogueBackwardArguments
  T* dresidual = nullptr;               // (n, h, w, c), or null
  float* dw1 = nullptr;                 // gradients are added to these: (hidden, c)
  float* dw2 = nullptr;                 // (c, hidden)
  float* dw3 = nullptr;                 // (c, c)
};
using AttendedConvBackwardArguments = BasicAttendedConvBackwardArguments<>;

namespace cpu {

void attended_conv_backward(const AttendedConvProblem& problem,
                            const AttendedConvBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Floats that attended_conv_backward needs to work in, for sums that come in so many partials; aligned as
/// doubles.
std::size_t attended_conv_backward_workspace(const AttendedConvProblem& problem, std::int64_t partials);

template <class T>
void attended_conv_backward(const AttendedConvProblem& problem,
                            const BasicAttendedConvBackwardArguments<T>& arguments, float* workspace,
                            CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
