// What the two implementations of the focal loss share. constexpr, so that device code may call it.
#pragma once

#include "kernels/focal/focal.h"

namespace sapnet::kernels {

inline constexpr double kFocalClamp = 1e-7;  // p_t stays so far below 1

/// 1 - q of 1 - p_t.
constexpr double clamped_rest(double rest) { return rest < kFocalClamp ? kFocalClamp : rest; }

/// A pixel's loss, and its derivative by log p_t.
struct FocalPixel {
  double value, slope;
};

/// rest: 1 - p_t; logarithm: log q; power: (1 - q)^γ.
constexpr FocalPixel focal_pixel(const FocalProblem& p, double rest, double logarithm, double power) {
  const double slope = p.gamma * (1 - rest) * power / rest * logarithm - power;
  return {-p.alpha * power * logarithm, rest < kFocalClamp ? 0 : p.alpha * slope};
}

}  // namespace sapnet::kernels
