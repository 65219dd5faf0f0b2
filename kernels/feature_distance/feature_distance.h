// The LPIPS distance (Zhang et al. 2018) between two feature maps, D and G, whose channel vectors are
// normalised to unit length at each of P pixels:
//
//   f^ = f / (‖f‖ + ε),   value = 1/P Σ_pixels Σ_c w_c (D^_c - G^_c)²,   ε = 1e-10
//
// Only D gets a gradient. With r = ‖D‖ and u_c = 2 w_c (D^_c - G^_c) · dvalue / P,
//
//   dD = (u - D^ (D·u) / r) / (r + ε),   and 0 where r = 0
//
// At r = 0 the norm has no derivative and PyTorch returns NaN. Features come from a ReLU, however, which is
// then zero for all channels and blocks the gradient anyway. The backward pass recomputes the norms.
//
// Maps are NHWC, dense.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct FeatureDistanceProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;

  constexpr std::int64_t pixels() const { return n * h * w; }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct FeatureDistanceArguments {
  const T* derained = nullptr;    // (n, h, w, c)
  const T* clean = nullptr;       // (n, h, w, c)
  const float* weight = nullptr;  // (c), not negative
  float* value = nullptr;         // scalar

  static auto arrays(auto& a) { return std::tie(a.derained, a.clean, a.weight, a.value); }
};

template <class T = float>
struct FeatureDistanceBackwardArguments {
  const T* derained = nullptr;
  const T* clean = nullptr;
  const float* weight = nullptr;
  const float* dvalue = nullptr;  // scalar, on the maps' device
  T* dderained = nullptr;         // (n, h, w, c)

  static auto arrays(auto& a) { return std::tie(a.derained, a.clean, a.weight, a.dvalue, a.dderained); }
};

namespace cpu {

/// Computed in double.
void feature_distance(const Context& context, const FeatureDistanceProblem& problem,
                      const FeatureDistanceArguments<>& arguments);

void feature_distance_backward(const Context& context, const FeatureDistanceProblem& problem,
                               const FeatureDistanceBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

/// Per pixel in fp32, the sum over pixels in double.
template <class T>
void feature_distance(const Context& context, const FeatureDistanceProblem& problem,
                      const FeatureDistanceArguments<T>& arguments);

template <class T>
void feature_distance_backward(const Context& context, const FeatureDistanceProblem& problem,
                               const FeatureDistanceBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
