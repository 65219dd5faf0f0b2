// Adam on all parameters of a network at once; its equations stand in kernels/adam/adam.h.
#pragma once

#include <cstdint>
#include <span>

#include "engine/parameter_tensors.h"
#include "engine/tensor.h"
#include "kernels/adam/adam.h"

namespace sapnet::engine {

/// The optimiser's state: the moments of every parameter's gradient, in the order of the parameters.
class Adam {
 public:
  explicit Adam(const ParameterTensors& parameters);

  /// Goes on from there. Throws Error when the numbers of moments are not that of the parameters.
  void restore(std::int64_t steps, std::span<const float> first_moments,
               std::span<const float> second_moments);

  /// Step t = steps() + 1: moves the parameters against their gradients, times `gradient_scale`. The
  /// parameters must be trainable.
  void step(ParameterTensors& parameters, double learning_rate, double gradient_scale = 1);

  std::int64_t steps() const { return steps_; }
  const Tensor& first_moments() const { return first_moments_; }
  const Tensor& second_moments() const { return second_moments_; }

 private:
  std::int64_t steps_ = 0;
  Tensor first_moments_, second_moments_;
};

}  // namespace sapnet::engine
