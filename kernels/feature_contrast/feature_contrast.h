// The contrastive loss of SAPNet (arXiv 2111.08892, section 3.4) on one map of features: those of the
// derained image, D, shall come near the clean image's, G, and away from the rainy one's, R.
//
//   value = a / (b + ε),   a = Σ |D - G| / N,   b = Σ |D - R| / N,   ε = 1e-7
//
// over all N numbers. Only D learns:
//
//   dD = dvalue · ( sign(D - G) / (N (b + ε)) - a sign(D - R) / (N (b + ε)²) ),   sign(0) = 0
//
// The way back takes both signs of a number from a byte and the two factors from where the value was
// computed, so that G and R, which nobody else needs by then, can go: a byte instead of two numbers, and no
// map to read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

struct FeatureContrastProblem {
  std::int64_t count = 0;  // N

  /// How many floats take as much memory as the signs.
  constexpr std::int64_t floats_of_signs() const { return (count + 3) / 4; }
};

/// T: what maps are stored as, float or, on a GPU, Half.
template <class T = float>
struct BasicFeatureContrastArguments {
  const T* derained = nullptr;  // (count) each, in any order
  const T* clean = nullptr;
  const T* rainy = nullptr;
  float* value = nullptr;        // one number
  std::int8_t* signs = nullptr;  // (count), sign(D - G) + 4 sign(D - R); or null
  float* factors = nullptr;      // (2), 1 / (N (b + ε)) and a / (N (b + ε)²); null where `signs` is
};
using FeatureContrastArguments = BasicFeatureContrastArguments<>;

template <class T = float>
struct BasicFeatureContrastBackwardArguments {
  const std::int8_t* signs = nullptr;  // both as feature_contrast wrote them
  const float* factors = nullptr;
  const float* dvalue = nullptr;  // one number, where the maps lie
  T* dderained = nullptr;         // (count)
};
using FeatureContrastBackwardArguments = BasicFeatureContrastBackwardArguments<>;

namespace cpu {

/// Sums in double.
void feature_contrast(const FeatureContrastProblem& problem, const FeatureContrastArguments& arguments);

void feature_contrast_backward(const FeatureContrastProblem& problem,
                               const FeatureContrastBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Floats that feature_contrast needs to work in; aligned as doubles.
std::size_t feature_contrast_workspace(const FeatureContrastProblem& problem);

template <class T>
void feature_contrast(const FeatureContrastProblem& problem,
                      const BasicFeatureContrastArguments<T>& arguments, float* workspace, CudaStream stream);

template <class T>
void feature_contrast_backward(const FeatureContrastProblem& problem,
                               const BasicFeatureContrastBackwardArguments<T>& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
