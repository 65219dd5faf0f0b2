// A convolutional LSTM cell on tensors; its equations stand in kernels/conv_lstm/conv_lstm.h.
#pragma once

#include <array>

#include "engine/execution.h"
#include "engine/ops/conv_weights.h"
#include "engine/ops/shifted_sums.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "kernels/conv_lstm/conv_lstm.h"

namespace sapnet::engine {

/// The learned weights of a cell, arranged for a device.
class ConvLstmWeights : public ConvWeights<kernels::ConvLstmProblem> {
 public:
  /// Of the gates i, f, g, o: weights (hidden, in + hidden, 3, 3) as PyTorch has them, and biases (hidden).
  ConvLstmWeights(const std::array<const Parameter*, 4>& weights,
                  const std::array<const Parameter*, 4>& biases, const Execution& execution);
};

/// Hidden state and cell state, (n, h, w, hidden) each; both empty stand for zero. The cell state, which
/// gathers over the steps, is fp32 always.
struct LstmState {
  Tensor hidden, cell;
};

/// One step: x (n, h, w, in) and the state before it give the state after it. The cell state is overwritten
/// when `state` is its only holder. Throws Error naming both shapes when they do not fit.
LstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights);

/// The same, with the new hidden state's shifted sums for an attended_conv of that dilation.
struct SummedLstmState {
  LstmState state;
  SummedMap hidden;
};
SummedLstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights,
                          std::int64_t next_dilation);

}  // namespace sapnet::engine
