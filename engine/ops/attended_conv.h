// A dilated convolution with channel residual attention. Equations: kernels/attended_conv/attended_conv.h.
#pragma once

#include <cstdint>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/shifted_sums.h"
#include "engine/tensor.h"
#include "kernels/attended_conv/attended_conv.h"

namespace sapnet::engine {

/// The learned weights of one attended convolution.
class AttendedConvWeights {
 public:
  /// weight: (c, c, 3, 3), bias: c values, w1: (hidden, c, 1, 1), w2: (c, hidden, 1, 1), w3: (c, c, 1, 1).
  AttendedConvWeights(Tensor weight, Tensor bias, Tensor w1, Tensor w2, Tensor w3, std::int64_t dilation,
                      const Execution& execution);

  /// Repacks the weights after they have changed.
  void pack() { conv_.pack(); }

  kernels::AttendedConvProblem problem(std::int64_t n, std::int64_t h, std::int64_t w) const;
  const Conv2dWeights& conv() const { return conv_; }
  const Tensor& w1() const { return w1_; }
  const Tensor& w2() const { return w2_; }
  const Tensor& w3() const { return w3_; }

 private:
  std::int64_t dilation_;
  Conv2dWeights conv_;
  Tensor w1_, w2_, w3_;
};

/// relu(cra(conv(x))), or relu(residual + that) with a residual; also returns the shifted sums for a
/// following attended_conv of next_dilation. x's sums must be for the dilation of `weights`. Overwrites the
/// residual if that is the only handle to its memory. `weights` must outlive a recording Tape's
/// backward(). Throws Error with both shapes on a mismatch.
SummedMap attended_conv(const SummedMap& x, const AttendedConvWeights& weights, std::int64_t next_dilation,
                        Tensor residual = {});

}  // namespace sapnet::engine
