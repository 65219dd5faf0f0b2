// The distance of LPIPS (Zhang et al. 2018) between two maps of features, D and G, whose vectors of channels
// are brought to unit length at each of P pixels:
//
//   f^ = f / (‖f‖ + ε),   value = 1/P Σ_pixels Σ_c w_c (D^_c - G^_c)²,   ε = 1e-10
//
// Only D learns. With r = ‖D‖ and u_c = 2 w_c (D^_c - G^_c) · dvalue / P,
//
//   dD = (u - D^ (D·u) / r) / (r + ε),   and 0 where r = 0
//
// There the norm has no derivative, and PyTorch gives NaN; but features come from a ReLU, which is shut for
// all channels of such a pixel and lets no gradient back anyway. The way back computes the norms anew.
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

/// T: what maps are stored as, float or, on a GPU, Half.
template <class T = float>
struct BasicFeatureDistanceArguments {
  const T* derained = nullptr;    // (n, h, w, c)
  const T* clean = nullptr;       // (n, h, w, c)
  const float* weight = nullptr;  // (c), not negative
  float* value = nullptr;         // one number
};
using FeatureDistanceArguments = BasicFeatureDistanceArguments<>;

template <class T = float>
struct BasicFeatureDistanceBackwardArguments {
  const T* derained = nullptr;
  const T* clean = nullptr;
  const float* weight = nullptr;
  const float* dvalue = nullptr;  // one number, where the maps lie
  T* dderained = nullptr;         // (n, h, w, c)
};
using FeatureDistanceBackwardArguments = BasicFeatureDistanceBackwardArguments<>;

namespace cpu {

/// In double within.
void feature_distance(const FeatureDistanceProblem& problem, const FeatureDistanceArguments& arguments);

void feature_distance_backward(const FeatureDistanceProblem& problem,
                               const FeatureDistanceBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Floats that feature_distance needs to work in; aligned as doubles.
std::size_t feature_distance_workspace(const FeatureDistanceProblem& problem);

/// A pixel in fp32, the sum over pixels in double.
template <class T>
void feature_distance(const FeatureDistanceProblem& problem,
                      const BasicFeatureDistanceArguments<T>& arguments, float* workspace, CudaStream stream);

template <class T>
void feature_distance_backward(const FeatureDistanceProblem& problem,
                               const BasicFeatureDistanceBackwardArguments<T>& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
