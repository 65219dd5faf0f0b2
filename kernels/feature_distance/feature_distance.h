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

#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

struct FeatureDistanceProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;

  constexpr std::int64_t pixels() const { return n * h * w; }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct BasicFeatureDistanceArguments {
  const T* derained = nullptr;    // (n, h, w, c)
  const T* clean = nullptr;       // (n, h, w, c)
  const float* weight = nullptr;  // (c), not negative
  float* value = nullptr;         // scalar
};
using FeatureDistanceArguments = BasicFeatureDistanceArguments<>;

template <class T = float>
struct BasicFeatureDistanceBackwardArguments {
  const T* derained = nullptr;
  const T* clean = nullptr;
  const float* weight = nullptr;
  const float* dvalue = nullptr;  // scalar, on the maps' device
  T* dderained = nullptr;         // (n, h, w, c)
};
using FeatureDistanceBackwardArguments = BasicFeatureDistanceBackwardArguments<>;

namespace cpu {

/// Computed in double.
void feature_distance(const FeatureDistanceProblem& problem, const FeatureDistanceArguments& arguments);

void feature_distance_backward(const FeatureDistanceProblem& problem,
                               const FeatureDistanceBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Workspace of feature_distance in floats; aligned to double.
std::size_t feature_distance_workspace(const FeatureDistanceProblem& problem);

/// Per pixel in fp32, the sum over pixels in double.
template <class T>
void feature_distance(const FeatureDistanceProblem& problem,
                      const BasicFeatureDistanceArguments<T>& arguments, float* workspace, CudaStream stream);

template <class T>
void feature_distance_backward(const FeatureDistanceProblem& problem,
                               const BasicFeatureDistanceBackwardArguments<T>& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
