// Reference for attended_conv (kernels/attended_conv/attended_conv.h), as in the paper, in double precision:
// convolution first, then the mean of its output, then the attention.
#pragma once

#include <span>
#include <vector>

#include "kernels/attended_conv/attended_conv.h"
#include "tests/reference/conv2d.h"

namespace sapnet::reference {

struct Attended {
  std::vector<double> statistics;  // as kernels::AttentionStatistics
  std::vector<double> scale;       // (n, c): σ(W2 relu(W1 m) + W3 m)
  std::vector<double> out;         // (n, h, w, c)
};

struct AttendedConv : Attended {
  Convolution conv;  // (n, h, w, c)
};

/// The steps after the convolution. sum, residual: (n, h, w, c), residual empty if there is none.
Attended attend(const kernels::AttendedConvProblem& problem, std::span<const double> sum,
                std::span<const double> w1, std::span<const double> w2, std::span<const double> w3,
                std::span<const double> residual);

/// in, residual: (n, h, w, c), residual empty if there is none; weight: (c, c, 3, 3); bias: (c); w1: (hidden,
/// c); w2: (c, hidden); w3: (c, c).
AttendedConv attended_conv(const kernels::AttendedConvProblem& problem, std::span<const float> in,
                           std::span<const float> weight, std::span<const float> bias,
                           std::span<const float> w1, std::span<const float> w2, std::span<const float> w3,
                           std::span<const float> residual);

}  // namespace sapnet::reference
