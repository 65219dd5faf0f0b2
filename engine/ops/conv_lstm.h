// A convolutional LSTM cell. Equations: kernels/conv_lstm/conv_lstm.h.
#pragma once

#include <array>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/shifted_sums.h"
#include "engine/tensor.h"
#include "kernels/conv_lstm/conv_lstm.h"

namespace sapnet::engine {

/// The learned weights of a cell, and packed copies of them for the device's kernels.
class ConvLstmWeights {
 public:
  /// For the gates i, f, g, o: weights (hidden, in + hidden, 3, 3) as in PyTorch, and biases of `hidden`
  /// values.
  ConvLstmWeights(std::array<Tensor, 4> weights, std::array<Tensor, 4> biases, const Execution& execution);

  /// Repacks the weights after they have changed. On a GPU this runs on the device, and packed() keeps its
  /// address; throws Error there if the weights are not tracked.
  void pack();

  kernels::ConvLstmProblem problem(std::int64_t n, std::int64_t h, std::int64_t w) const;
  const Tensor& packed() const { return packed_; }
  const Tensor& bias() const { return bias_; }

  bool tracked() const { return weights_[0].tracked(); }

  /// Accumulates the gradients of the gates' weights and biases, before the running Tape::backward() returns,
  /// and of x and h if they are tracked. dgates: gradient of the gate preactivations, (n, h, w,
  /// 4·hidden). An empty h is zero.
  void backward(const Tensor& dgates, const Tensor& x, const Tensor& h) const;

 private:
  void concatenate_gates();
  void split_gradients() const;
  void pack_on_host();

  kernels::ConvLstmProblem layer_;  // n, h and w are not set
  Execution execution_;
  std::array<Tensor, 4> weights_, biases_;
  Tensor weight_, bias_, packed_;     // of all gates, concatenated
  Tensor indices_;                    // index table of packed_
  std::vector<Conv2dWeights> gates_;  // if tracked, one convolution that computes all gates
};

/// Hidden state and cell state, (n, h, w, hidden) each; both empty means zero. The cell state accumulates
/// over steps and is always fp32.
struct LstmState {
  Tensor hidden, cell;
};

/// One step from x, (n, h, w, in), and the previous state. Overwrites the cell state if `state` is the only
/// handle to its memory. `weights` must outlive a recording Tape's backward(). Throws Error with both shapes
/// on a mismatch.
LstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights);

/// The same, also returning the new hidden state's shifted sums for an attended_conv of next_dilation.
struct SummedLstmState {
  LstmState state;
  SummedMap hidden;
};
SummedLstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights,
                          std::int64_t next_dilation);

}  // namespace sapnet::engine
