// Half precision storage, in host and device code; the same bytes as CUDA's __half.
#pragma once

#include <cstdint>
#include <type_traits>

namespace sapnet::kernels {

/// An IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
struct Half {
  std::uint16_t bits;  // without an initializer, so that shared memory can hold it
};

/// Rounds to the nearest half, ties to even; values beyond ±65504 become infinity. NaN stays NaN.
Half to_half(float value);

float to_float(Half value);

/// Converts a weight to the type in which it is packed; std::int32_t indices of weights stay as they are.
template <class To, class From = float>
To to_storage(From value) {
  if constexpr (std::is_same_v<To, Half>)
    return to_half(value);
  else
    return value;
}

}  // namespace sapnet::kernels
