// Adam on all parameters of a network at once. Equations: kernels/adam/adam.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/parameter_tensors.h"
#include "engine/tensor.h"
#include "kernels/adam/adam.h"

namespace sapnet::engine {

/// The optimizer's state: the moments of every parameter's gradient and, if enabled, the exponential moving
/// average (EMA) of the parameters, all in the order of the parameters.
class Adam {
 public:
  /// ema_decay: in [0, 1); 0 disables the EMA. The EMA starts from the current parameters.
  explicit Adam(const ParameterTensors& parameters, double ema_decay = 0);

  /// Resumes after `steps` steps. Throws Error unless there is one moment of each kind per parameter.
  void restore(std::int64_t steps, std::span<const float> first_moments,
               std::span<const float> second_moments);
  /// Resumes the EMA. Throws Error unless it is enabled and there is one value per parameter.
  void restore_ema(std::span<const float> ema);

  /// The factors that update() takes at step t = steps() + 1. loss_scale: by which the gradients were
  /// multiplied; clip: maximum global norm of the unscaled gradients, 0 for no clipping.
  static constexpr std::int64_t kFactors = sizeof(kernels::AdamFactors) / sizeof(float);
  std::array<float, kFactors> factors(double learning_rate, double loss_scale = 1, double clip = 0) const;

  /// Updates the parameters, which must be trainable. checked: the norm of all gradients, and any further
  /// values; unless all are finite, the device skips the update. The host does not know, so the caller must
  /// call count_step() after a step that was not skipped.
  void update(ParameterTensors& parameters, const Tensor& factors, const Tensor& checked);
  void count_step() { ++steps_; }

  std::int64_t steps() const { return steps_; }
  const Tensor& first_moments() const { return first_moments_; }
  const Tensor& second_moments() const { return second_moments_; }
  /// Empty if disabled.
  const Tensor& ema() const { return ema_; }

 private:
  double ema_decay_;
  std::int64_t steps_ = 0;
  Tensor first_moments_, second_moments_, ema_;
};

}  // namespace sapnet::engine
