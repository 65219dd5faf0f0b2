// Shared by both implementations of Adam. constexpr, so callable from device code.
#pragma once

#include "kernels/adam/adam.h"

namespace sapnet::kernels {

/// Tests x - x == 0, because std::isfinite is not constexpr in C++20.
constexpr bool all_finite(const float* numbers, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k)
    if (!(numbers[k] - numbers[k] == 0)) return false;
  return true;
}

/// The factor that unscales and clips every gradient. norm: of all gradients, before unscaling.
constexpr float gradient_factor(const AdamFactors& f, float norm) {
  const float unscaled = norm * f.unscale;
  return f.clip > 0 && unscaled > f.clip ? f.clip / unscaled * f.unscale : f.unscale;
}

constexpr float first_moment(const AdamFactors& f, float m, float g) { return f.beta1 * m + f.new1 * g; }

constexpr float second_moment(const AdamFactors& f, float v, float g) { return f.beta2 * v + f.new2 * g * g; }

/// The amount subtracted from a value. root: √v.
constexpr float movement(const AdamFactors& f, float m, float root) {
  return f.step_size * m / (root / f.root_correction + f.epsilon);
}

/// Not d · ema + (1 - d) · value: the two rounded factors may not add up to exactly 1, and for d close to 1
/// the average would converge to a value that is off by that error over 1 - d.
constexpr float moved_ema(const AdamFactors& f, float ema, float value) {
  return ema + f.ema_new * (value - ema);
}

}  // namespace sapnet::kernels
