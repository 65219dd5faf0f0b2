// What the two implementations of Adam share. constexpr, so that device code may call it.
#pragma once

#include "kernels/adam/adam.h"

namespace sapnet::kernels {

/// By x - x, for C++20 has no constexpr std::isfinite.
constexpr bool all_finite(const float* numbers, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k)
    if (!(numbers[k] - numbers[k] == 0)) return false;
  return true;
}

/// What each gradient is multiplied by. norm: of all.
constexpr float gradient_factor(const AdamFactors& f, float norm) {
  const float unscaled = norm * f.unscale;
  return f.clip > 0 && unscaled > f.clip ? f.clip / unscaled * f.unscale : f.unscale;
}

constexpr float first_moment(const AdamFactors& f, float m, float g) { return f.beta1 * m + f.new1 * g; }

constexpr float second_moment(const AdamFactors& f, float v, float g) { return f.beta2 * v + f.new2 * g * g; }

/// How far a value moves. root: √v.
constexpr float movement(const AdamFactors& f, float m, float root) {
  return f.step_size * m / (root / f.root_correction + f.epsilon);
}

/// As a step towards the value rather than d · ema + (1 - d) · value: the two rounded factors need not add up
/// to 1, and for d next to 1 the average would settle at a value that is off by that over 1 - d.
constexpr float moved_ema(const AdamFactors& f, float ema, float value) {
  return ema + f.ema_new * (value - ema);
}

}  // namespace sapnet::kernels
