// A dilated 3×3 convolution followed by channel residual attention (CRA, paper section 3.2) and ReLU:
//
//   y = conv(in) + bias,   m = mean of y over rows and columns,
//   out = relu( y · σ(W2 relu(W1 m) + W3 m) ),   or with a residual   relu( residual + that )
//
// The scale σ(…) is known before the convolution runs: m is linear in the row sums of `in`. So one pass
// computes convolution, scale, ReLU, residual, and the row sums that the next attended_conv needs.
// Maps are NHWC, fp32, dense; padding = dilation, so that shapes stay.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

struct AttendedConvProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;
  std::int64_t hidden = 2;         // rows of W1
  std::int64_t dilation = 1;       // of this convolution; `row_sums` below must be for the same
  std::int64_t next_dilation = 1;  // that `out_row_sums` are for

  Conv2dProblem conv() const { return {n, h, w, {c, 0}, c, 3, 1, dilation, dilation}; }
};

struct AttendedConvArguments {
  const float* in = nullptr;        // (n, h, w, c)
  const float* row_sums = nullptr;  // (n, h, 3, c), of `in`: see row_sums.h
  const float* weight = nullptr;    // (c, c, 3, 3)
  const float* packed = nullptr;    // the same as pack_conv2d(problem.conv(), …) made it
  const float* bias = nullptr;      // (c)
  const float* w1 = nullptr;        // (hidden, c)
  const float* w2 = nullptr;        // (c, hidden)
  const float* w3 = nullptr;        // (c, c)
  const float* residual = nullptr;  // (n, h, w, c), or null; may be `out` itself
  float* out = nullptr;             // (n, h, w, c); shares nothing with `in`
  float* out_row_sums = nullptr;    // (n, h, 3, c), or null
};

namespace cpu {

/// The attention scale σ(W2 relu(W1 m) + W3 m), (n, c), from the row sums; in double within.
void attention_scale(const AttendedConvProblem& problem, const AttendedConvArguments& arguments,
                     float* scale);

void attended_conv(const AttendedConvProblem& problem, Conv2dAlgorithm algorithm,
                   const AttendedConvArguments& arguments);

}  // namespace cpu
}  // namespace sapnet::kernels
