// A dilated 3×3 convolution followed by channel residual attention (CRA, paper section 3.2) and ReLU:
//
//   y = conv(in) + bias,   m = mean of y over rows and columns,
//   out = relu( y · σ(W2 relu(W1 m) + W3 m) ),   or with a residual   relu( residual + that )
//
// The scale σ(…) is known before the convolution runs, because m is linear in the shifted sums of `in`
// (kernels/shifted_sums/shifted_sums.h). So one pass computes convolution, scale, ReLU, residual and the
// shifted sums for the next attended_conv. Maps are NHWC, dense, fp32 or, on a GPU, fp16; padding = dilation,
// so that the output has the input's shape.
//
// The gradients, with s = σ(W2 relu(W1 m) + W3 m). The part through the mean, κ, is the same for every pixel:
//
//   dy = s · dout · [y > 0] + κ,   κ = dm / (h·w)          with dout masked by the outer ReLU first
//   ds = Σ_{y,x} dout · relu(y),   dl = ds · s (1 - s)     gradient of the logits
//   dm = W3ᵀ dl + W1ᵀ ((W2ᵀ dl) · [W1 m > 0])
//   dW3 = dl ⊗ m,   dW2 = dl ⊗ relu(W1 m),   dW1 = ((W2ᵀ dl) · [W1 m > 0]) ⊗ m
//
// With κ included in dy, the rest is the backward pass of a plain convolution (conv2d.h).
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

struct AttendedConvProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;
  std::int64_t hidden = 2;         // rows of W1
  std::int64_t dilation = 1;       // of this convolution; `shifted_sums` must be for the same dilation
  std::int64_t next_dilation = 1;  // of the next attended_conv, for `out_shifted_sums`
  Conv2dAlgorithm algorithm = Conv2dAlgorithm::kDirect;  // as in Conv2dProblem

  Conv2dProblem conv() const { return {n, h, w, {c, 0}, c, 3, 1, dilation, dilation, 1, algorithm}; }
};

/// The inputs of the attention.
struct AttentionArguments {
  const float* shifted_sums = nullptr;  // (n, partials, 9, c), of the convolution's input
  std::int64_t partials = 0;            // number of partials per image, at least 1
  const float* weight = nullptr;        // (c, c, 3, 3)
  const float* bias = nullptr;          // (c)
  const float* w1 = nullptr;            // (hidden, c)
  const float* w2 = nullptr;            // (c, hidden)
  const float* w3 = nullptr;            // (c, c)

  static auto arrays(auto& a) { return std::tie(a.shifted_sums, a.weight, a.bias, a.w1, a.w2, a.w3); }
};

/// The attention of all images, for the backward pass: three arrays, one after another. F: float or const
/// float.
template <class F>
struct AttentionStatistics {
  F* scale;     // s, (n, c)
  F* mean;      // m, (n, c)
  F* squeezed;  // relu(W1 m), (n, hidden)

  AttentionStatistics(const AttendedConvProblem& p, F* values)
      : scale(values), mean(scale + p.n * p.c), squeezed(mean + p.n * p.c) {}

  static std::int64_t count(const AttendedConvProblem& p) { return p.n * (2 * p.c + p.hidden); }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct AttendedConvArguments {
  const T* in = nullptr;  // (n, h, w, c)
  AttentionArguments attention;
  const T* packed = nullptr;    // attention.weight, packed by pack_conv2d(context, problem.conv(), …)
  const T* residual = nullptr;  // (n, h, w, c), or null; may alias `out`
  T* out = nullptr;             // (n, h, w, c); must not overlap `in`
  T* pre_residual = nullptr;    // (n, h, w, c), or null: the map before the residual, for the backward pass
  float* out_shifted_sums = nullptr;  // (n, conv2d_partials(context, problem.conv()), 9, c), or null
  float* statistics = nullptr;        // AttentionStatistics, or null

  static auto arrays(auto& a) {
    return std::tie(a.in, a.attention, a.packed, a.residual, a.out, a.pre_residual, a.out_shifted_sums,
                    a.statistics);
  }
};

template <class T = float>
struct AttendedConvBackwardArguments {
  const T* dout = nullptr;            // (n, h, w, c)
  const T* out = nullptr;             // (n, h, w, c)
  const T* pre_residual = nullptr;    // relu(s · y), before the residual was added; null: `out`
  const float* statistics = nullptr;  // AttentionStatistics of the forward pass
  const float* w1 = nullptr;          // as in AttentionArguments
  const float* w2 = nullptr;
  const float* w3 = nullptr;
  T* dy = nullptr;                      // (n, h, w, c); may alias `dout`
  const T* dresidual_before = nullptr;  // (n, h, w, c), or null: see Conv2dEpilogueBackwardArguments
  T* dresidual = nullptr;               // (n, h, w, c), or null
  float* dw1 = nullptr;                 // (hidden, c); all three are accumulated into
  float* dw2 = nullptr;                 // (c, hidden)
  float* dw3 = nullptr;                 // (c, c)

  static auto arrays(auto& a) {
    return std::tie(a.dout, a.out, a.pre_residual, a.statistics, a.w1, a.w2, a.w3, a.dy, a.dresidual_before,
                    a.dresidual, a.dw1, a.dw2, a.dw3);
  }
};

namespace cpu {

/// Whether the kernel supports the problem.
inline bool supports_attended_conv(const Context& /*context*/, const AttendedConvProblem& /*problem*/) {
  return true;
}

/// The attention is computed in double.
void attended_conv(const Context& context, const AttendedConvProblem& problem,
                   const AttendedConvArguments<>& arguments);

void attended_conv_backward(const Context& context, const AttendedConvProblem& problem,
                            const AttendedConvBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

/// Whether the kernel supports the problem: 32 channels, at most 32 hidden.
bool supports_attended_conv(const Context& context, const AttendedConvProblem& problem);

template <class T>
void attended_conv(const Context& context, const AttendedConvProblem& problem,
                   const AttendedConvArguments<T>& arguments);

template <class T>
void attended_conv_backward(const Context& context, const AttendedConvProblem& problem,
                            const AttendedConvBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
