// A convolutional LSTM cell (Shi et al. 2015, without peepholes), 3×3, padding 1:
//
//   i, f, g, o = conv([x, h]) + bias      four gates of `hidden` channels each
//   c' = σ(f) · c + σ(i) · tanh(g),       h' = σ(o) · tanh(c')
//
// At the first step h and c are zero: pass null, and their half of the work is skipped.
// Maps are NHWC, fp32, dense.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

struct ConvLstmProblem {
  std::int64_t n = 1, h = 0, w = 0;
  std::int64_t in_channels = 0;  // of x
  std::int64_t hidden = 0;       // channels of h and c; a multiple of 16
  std::int64_t row_sums_dilation = 1;

  Conv2dProblem conv() const { return {n, h, w, {in_channels, hidden}, 4 * hidden, 3, 1, 1, 1}; }
};

struct ConvLstmArguments {
  const float* x = nullptr;       // (n, h, w, in_channels)
  const float* h = nullptr;       // (n, h, w, hidden), or null for zero
  const float* c = nullptr;       // (n, h, w, hidden), null exactly when h is; may be `c_out` itself
  const float* weight = nullptr;  // as pack_conv_lstm made it
  const float* bias = nullptr;    // (4·hidden), gates in the order i, f, g, o
  float* h_out = nullptr;         // (n, h, w, hidden); shares nothing with x and h
  float* c_out = nullptr;         // (n, h, w, hidden)
  float* row_sums = nullptr;      // (n, h, 3, hidden), of h_out, or null: see row_sums.h
};

namespace cpu {

/// Floats that pack_conv_lstm writes.
std::size_t packed_conv_lstm_size(const ConvLstmProblem& problem, Conv2dAlgorithm algorithm);

/// weight: (4·hidden, in_channels + hidden, 3, 3), gates in the order i, f, g, o.
void pack_conv_lstm(const ConvLstmProblem& problem, Conv2dAlgorithm algorithm, const float* weight,
                    float* packed);

void conv_lstm(const ConvLstmProblem& problem, Conv2dAlgorithm algorithm, const ConvLstmArguments& arguments);

}  // namespace cpu
}  // namespace sapnet::kernels
