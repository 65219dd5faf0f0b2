// A dilated convolution with channel residual attention, on tensors; its equations stand in
// kernels/attended_conv/attended_conv.h.
#pragma once

#include <cstdint>

#include "engine/execution.h"
#include "engine/ops/conv_weights.h"
#include "engine/ops/shifted_sums.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "kernels/attended_conv/attended_conv.h"

namespace sapnet::engine {

/// The learned weights of one attended convolution, arranged for a device.
class AttendedConvWeights : public ConvWeights<kernels::AttendedConvProblem> {
 public:
  /// weight: (c, c, 3, 3), bias: (c), w1: (hidden, c, 1, 1), w2: (c, hidden, 1, 1), w3: (c, c, 1, 1).
  AttendedConvWeights(const Parameter& weight, const Parameter& bias, const Parameter& w1,
                      const Parameter& w2, const Parameter& w3, std::int64_t dilation,
                      const Execution& execution);

  const Tensor& weight() const { return weight_; }
  const Tensor& w1() const { return w1_; }
  const Tensor& w2() const { return w2_; }
  const Tensor& w3() const { return w3_; }

 private:
  Tensor weight_, w1_, w2_, w3_;
};

/// relu(cra(conv(x))), or relu(residual + that); with shifted sums for a next attended_conv of next_dilation.
/// x's sums must be for the weights' dilation. The residual is overwritten with the result when it is the
/// only handle to its memory. Throws Error naming both shapes when they do not fit.
SummedMap attended_conv(const SummedMap& x, const AttendedConvWeights& weights, std::int64_t next_dilation,
                        Tensor residual = {});

}  // namespace sapnet::engine
