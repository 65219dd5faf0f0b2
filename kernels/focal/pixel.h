// Shared by both implementations of the focal loss. constexpr, so callable from device code.
#pragma once

#include "kernels/focal/focal.h"

namespace sapnet::kernels {

inline constexpr double kFocalClamp = 1e-7;  // p_t is clamped to 1 minus this

/// 1 - q, from 1 - p_t.
constexpr double clamped_complement(double complement) {
  return complement < kFocalClamp ? kFocalClamp : complement;
}

/// A pixel's loss, and its derivative with respect to log p_t.
struct FocalPixel {
  double value, slope;
};

/// complement: 1 - p_t; logarithm: log q; power: (1 - q)^γ.
constexpr FocalPixel focal_pixel(const FocalProblem& p, double complement, double logarithm, double power) {
  const double slope = p.gamma * (1 - complement) * power / complement * logarithm - power;
  return {-p.alpha * power * logarithm, complement < kFocalClamp ? 0 : p.alpha * slope};
}

}  // namespace sapnet::kernels
