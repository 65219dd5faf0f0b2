// A dilated 3×3 convolution followed by channel residual attention (CRA, paper section 3.2) and ReLU:
//
//   y = conv(in) + bias,   m = mean of y over rows and columns,
//   out = relu( y · σ(W2 relu(W1 m) + W3 m) ),   or with a residual   relu( residual + that )
//
// The scale σ(…) is known before the convolution runs, because m is linear in the shifted sums of `in`
// (kernels/shifted_sums/shifted_sums.h). So one pass computes convolution, scale, ReLU, residual and the
// shifted sums for the next attended_conv. Maps are NHWC, dense, fp32 or, on a GPU, fp16; padding = dilation,
// so that the output has the input's shape.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

struct AttendedConvProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;
  std::int64_t hidden = 2;         // rows of W1
  std::int64_t dilation = 1;       // of this convolution; `shifted_sums` must be for the same dilation
  std::int64_t next_dilation = 1;  // that `out_shifted_sums` are for

  Conv2dProblem conv() const { return {n, h, w, {c, 0}, c, 3, 1, dilation, dilation}; }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct BasicAttendedConvArguments {
  const T* in = nullptr;                // (n, h, w, c)
  const float* shifted_sums = nullptr;  // (n, partials, 9, c), of `in`
  std::int64_t partials = 0;            // number of partials per image, at least 1
  const float* weight = nullptr;        // (c, c, 3, 3)
  const T* packed = nullptr;            // `weight`, packed by pack_conv2d(problem.conv(), …)
  const float* bias = nullptr;          // (c)
  const float* w1 = nullptr;            // (hidden, c)
  const float* w2 = nullptr;            // (c, hidden)
  const float* w3 = nullptr;            // (c, c)
  const T* residual = nullptr;          // (n, h, w, c), or null; may alias `out`
  T* out = nullptr;                     // (n, h, w, c); must not overlap `in`
  T* pre_residual = nullptr;  // (n, h, w, c), or null: the map before the residual, for the backward pass
  float* out_shifted_sums = nullptr;  // (n, device-dependent number of partials, 9, c), or null
};
using AttendedConvArguments = BasicAttendedConvArguments<>;

namespace cpu {

/// The attention scale σ(W2 relu(W1 m) + W3 m), (n, c), from the shifted sums; computed in double.
void attention_scale(const AttendedConvProblem& problem, const AttendedConvArguments& arguments,
                     float* scale);

void attended_conv(const AttendedConvProblem& problem, Conv2dAlgorithm algorithm,
                   const AttendedConvArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Whether a kernel supports it: 32 channels, at most 32 hidden.
bool supports_attended_conv(const AttendedConvProblem& problem);

/// Workspace of attention_scale and attended_conv in floats, for shifted sums with this many partials.
std::size_t attended_conv_workspace(const AttendedConvProblem& problem, std::int64_t partials);

/// As on the CPU; writes the scale, (n, c), to the beginning of `workspace`.
template <class T>
void attention_scale(const AttendedConvProblem& problem, const BasicAttendedConvArguments<T>& arguments,
                     float* workspace, CudaStream stream);

/// Writes conv2d_partials(problem.conv()) partials of out_shifted_sums.
template <class T>
void attended_conv(const AttendedConvProblem& problem, const BasicAttendedConvArguments<T>& arguments,
                   float* workspace, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
