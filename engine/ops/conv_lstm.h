// A convolutional LSTM cell on tensors; its equations stand in kernels/conv_lstm/conv_lstm.h, those of the
// way back in conv_lstm_backward.h.
#pragma once

#include <array>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/shifted_sums.h"
#include "engine/tensor.h"
#include "kernels/conv_lstm/conv_lstm.h"

namespace sapnet::engine {

/// The learned weights of a cell, and copies of them arranged for a device's kernels.
class ConvLstmWeights {
 public:
  /// Of the gates i, f, g, o: weights (hidden, in + hidden, 3, 3) as PyTorch has them, and biases of `hidden`
  /// numbers.
  ConvLstmWeights(std::array<Tensor, 4> weights, std::array<Tensor, 4> biases, const Execution& execution);

  /// Arranges the weights anew, after they have changed; on a GPU without a word from the host, and packed()
  /// stays where it is. Throws Error there when they are not tracked.
  void pack();

  kernels::ConvLstmProblem problem(std::int64_t n, std::int64_t h, std::int64_t w) const;
  kernels::Conv2dAlgorithm algorithm() const { return algorithm_; }
  const Tensor& packed() const { return packed_; }
  const Tensor& bias() const { return bias_; }

  bool tracked() const { return weights_[0].tracked(); }

  /// Adds to the gradients of the gates, by the end of the way back, and of x and h as far as they are
  /// tracked, given that of the gates' sums, (n, h, w, 4·hidden). An empty h is zero.
  void backward(const Tensor& dgates, const Tensor& x, const Tensor& h) const;

 private:
  void concatenate_gates();
  void split_gradients() const;
  void pack_on_host();

  kernels::ConvLstmProblem layer_;  // without the extents of an input
  kernels::Conv2dAlgorithm algorithm_;
  Execution execution_;
  std::array<Tensor, 4> weights_, biases_;
  Tensor weight_, bias_, packed_;     // of all gates, one behind the other
  Tensor places_;                     // of packed_ in weight_
  std::vector<Conv2dWeights> gates_;  // when tracked, the one convolution of all gates
};

/// Hidden state and cell state, (n, h, w, hidden) each; both empty stand for zero. The cell state, which
/// gathers over the steps, is fp32 always.
struct LstmState {
  Tensor hidden, cell;
};

/// One step: x (n, h, w, in) and the state before it give the state after it. The cell state is overwritten
/// when `state` is its only holder. A tape goes on needing the weights. Throws Error naming both shapes when
/// they do not fit.
LstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights);

/// The same, with the new hidden state's shifted sums for an attended_conv of that dilation.
struct SummedLstmState {
  LstmState state;
  SummedMap hidden;
};
SummedLstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights,
                          std::int64_t next_dilation);

}  // namespace sapnet::engine
