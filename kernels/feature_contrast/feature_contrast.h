// The perceptual contrastive loss of SAPNet (arXiv 2111.08892, section 3.4) on one feature map: pulls the
// features D of the derained image towards those of the clean one, G, and away from those of the rainy one,
// R.
//
//   value = a / (b + ε),   a = Σ |D - G| / N,   b = Σ |D - R| / N,   ε = 1e-7
//
// over all N elements. Only D gets a gradient:
//
//   dD = dvalue · ( sign(D - G) / (N (b + ε)) - a sign(D - R) / (N (b + ε)²) ),   sign(0) = 0
//
// The forward pass saves both signs of an element in one byte, and the two factors. So the backward pass
// reads no map, and G and R can be released before it.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct FeatureContrastProblem {
  std::int64_t count = 0;  // N

  /// Number of floats that take as much memory as the signs.
  constexpr std::int64_t floats_of_signs() const { return (count + 3) / 4; }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct FeatureContrastArguments {
  const T* derained = nullptr;  // (count) each; any layout
  const T* clean = nullptr;
  const T* rainy = nullptr;
  float* value = nullptr;        // scalar
  std::int8_t* signs = nullptr;  // (count), sign(D - G) + 4 sign(D - R); or null
  float* factors = nullptr;      // (2), 1 / (N (b + ε)) and a / (N (b + ε)²); null if `signs` is

  static auto arrays(auto& a) { return std::tie(a.derained, a.clean, a.rainy, a.value, a.signs, a.factors); }
};

template <class T = float>
struct FeatureContrastBackwardArguments {
  const std::int8_t* signs = nullptr;  // both as feature_contrast wrote them
  const float* factors = nullptr;
  const float* dvalue = nullptr;  // scalar, on the maps' device
  T* dderained = nullptr;         // (count)

  static auto arrays(auto& a) { return std::tie(a.signs, a.factors, a.dvalue, a.dderained); }
};

namespace cpu {

/// Sums in double.
void feature_contrast(const Context& context, const FeatureContrastProblem& problem,
                      const FeatureContrastArguments<>& arguments);

void feature_contrast_backward(const Context& context, const FeatureContrastProblem& problem,
                               const FeatureContrastBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void feature_contrast(const Context& context, const FeatureContrastProblem& problem,
                      const FeatureContrastArguments<T>& arguments);

template <class T>
void feature_contrast_backward(const Context& context, const FeatureContrastProblem& problem,
                               const FeatureContrastBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
