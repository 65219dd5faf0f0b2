// Half precision storage for host code; kernels see the same bytes as CUDA's __half.
#pragma once

#include <cstdint>

namespace sapnet::kernels {

/// An IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
struct Half {
  std::uint16_t bits = 0;
};

/// Rounds to the nearest half, ties to even; values beyond ±65504 become infinity. NaN stays NaN.
Half to_half(float value);

float to_float(Half value);

/// Converts a weight to storage type T.
template <class T>
T to_storage(float value);
template <>
inline float to_storage<float>(float value) {
  return value;
}
template <>
inline Half to_storage<Half>(float value) {
  return to_half(value);
}

}  // namespace sapnet::kernels
