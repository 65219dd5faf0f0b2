// Reference for conv_lstm (kernels/conv_lstm/conv_lstm.h), in double precision.
#pragma once

#include <span>
#include <vector>

#include "kernels/conv_lstm/conv_lstm.h"
#include "tests/reference/conv2d.h"

namespace sapnet::reference {

struct ConvLstm {
  Convolution gates;                 // (n, h, w, 4·hidden), before σ and tanh, in the order i, f, g, o
  std::vector<double> h_out, c_out;  // (n, h, w, hidden)
};

/// The steps after the convolution: the new state from the gate preactivations and the previous cell state.
struct Cell {
  std::vector<double> h_out, c_out;
};
Cell cell(const kernels::ConvLstmProblem& problem, std::span<const double> gates, std::span<const double> c);

/// x: (n, h, w, in_channels); h, c: (n, h, w, hidden), both empty for zero.
/// weight: (4·hidden, in_channels + hidden, 3, 3); bias: (4·hidden).
ConvLstm conv_lstm(const kernels::ConvLstmProblem& problem, std::span<const float> x,
                   std::span<const float> h, std::span<const float> c, std::span<const float> weight,
                   std::span<const float> bias);

}  // namespace sapnet::reference
