// Adam on all parameters of a network at once; its equations stand in kernels/adam/adam.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/parameter_tensors.h"
#include "engine/tensor.h"
#include "kernels/adam/adam.h"

namespace sapnet::engine {

/// The optimizer's state: the moments of every parameter's gradient and, if asked for, the exponential moving
/// average (EMA) of the parameters, all in the order of the parameters.
class Adam {
 public:
  /// ema_decay: in [0, 1); 0 for no EMA. The EMA starts from the parameters as they are now.
  explicit Adam(const ParameterTensors& parameters, double ema_decay = 0);

  /// Goes on from there. Throws Error when the numbers of moments are not that of the parameters.
  void restore(std::int64_t steps, std::span<const float> first_moments,
               std::span<const float> second_moments);
  /// Continues the EMA from these values. Throws Error when their number is not that of the parameters, or
  /// there is no EMA.
  void restore_ema(std::span<const float> ema);

  /// What update() takes for step t = steps() + 1. loss_scale: that the gradients were multiplied by; clip:
  /// the largest norm that they may have without it, 0 for any.
  static constexpr std::int64_t kFactors = sizeof(kernels::AdamFactors) / sizeof(float);
  std::array<float, kFactors> factors(double learning_rate, double loss_scale = 1, double clip = 0) const;

  /// Moves the parameters, which must be trainable, against their gradients; unless a number of `checked`, of
  /// which the first is the norm of all gradients, is not finite. So steps() does not know of it.
  void update(ParameterTensors& parameters, const Tensor& factors, const Tensor& checked);
  void count_step() { ++steps_; }

  std::int64_t steps() const { return steps_; }
  const Tensor& first_moments() const { return first_moments_; }
  const Tensor& second_moments() const { return second_moments_; }
  /// Empty when there is none.
  const Tensor& ema() const { return ema_; }

 private:
  double ema_decay_;
  std::int64_t steps_ = 0;
  Tensor first_moments_, second_moments_, ema_;
};

}  // namespace sapnet::engine
