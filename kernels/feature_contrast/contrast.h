// Shared by both implementations of the contrastive loss. constexpr, so callable from device code.
#pragma once

#include <cstdint>

namespace sapnet::kernels {

struct Contrast {
  float value, factors[2];
};

/// From Σ |D - G| and Σ |D - R| over `count` elements.
constexpr Contrast contrast_from_sums(double clean, double rainy, std::int64_t count) {
  const auto n = static_cast<double>(count);
  const double a = clean / n, inverse = 1 / (rainy / n + 1e-7);
  return {static_cast<float>(a * inverse),
          {static_cast<float>(inverse / n), static_cast<float>(a * inverse * inverse / n)}};
}

/// sign(D - G) and sign(D - R) of an element, packed into one byte.
constexpr std::int8_t encode_signs(float to_clean, float to_rainy) {
  const auto sign = [](float x) { return (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0); };
  return static_cast<std::int8_t>(sign(to_clean) + 4 * sign(to_rainy));
}

/// sign(D - G) · by_clean - sign(D - R) · by_rainy
constexpr float weigh_signs(std::int8_t signs, float by_clean, float by_rainy) {
  const int rainy = (signs + 2) >> 2;  // rounds to the nearest multiple of 4
  return static_cast<float>(signs - 4 * rainy) * by_clean - static_cast<float>(rainy) * by_rainy;
}

}  // namespace sapnet::kernels
