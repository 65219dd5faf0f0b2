// What the weights of every convolving operation have in common.
#pragma once

#include "engine/execution.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "kernels/conv2d/conv2d.h"

namespace sapnet::engine {

/// The learned weights of one layer, arranged for a device. Problem: of the kernel that reads them.
template <class Problem>
class ConvWeights {
 public:
  /// The problem for an input of that shape.
  Problem problem(const Shape& input) const {
    Problem problem = layer_;
    problem.n = input.n;
    problem.h = input.h;
    problem.w = input.w;
    return problem;
  }
  kernels::Conv2dAlgorithm algorithm() const { return algorithm_; }
  const Tensor& packed() const { return packed_; }  // the filters, in the order that the kernel reads them
  const Tensor& bias() const { return bias_; }

 protected:
  ConvWeights() = default;

  Problem layer_;  // without the extents of an input
  kernels::Conv2dAlgorithm algorithm_ = kernels::Conv2dAlgorithm::kDirect;
  Tensor packed_, bias_;
};

/// How the CPU is to compute a layer's convolution.
kernels::Conv2dAlgorithm algorithm_for(const kernels::Conv2dProblem& layer, const Execution& execution);

/// The filters of a convolution, (out, in, k, k), in the order that conv2d's kernel reads them.
Tensor packed_conv2d(const kernels::Conv2dProblem& layer, kernels::Conv2dAlgorithm algorithm,
                     const Parameter& weight, const Execution& execution);

}  // namespace sapnet::engine
