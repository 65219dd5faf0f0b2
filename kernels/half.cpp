#include "kernels/half.h"

#include <bit>

namespace sapnet::kernels {

// Both directions use fp32 arithmetic for the rounding and the scaling of subnormals, by adding or
// multiplying with a power of two that moves the last bit to the right place.

Half to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16U & 0x8000U, magnitude = bits & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00U;  // NaN
  } else if (magnitude >= 0x477ff000U) {
    half = 0x7c00U;  // 65520 and above round to infinity
  } else if (magnitude < 0x38800000U) {
    // Below 2^-14: round to a multiple of 2^-24, the last bit of values around 1/2.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  } else {
    const std::uint32_t odd = magnitude >> 13U & 1U;
    half = (magnitude + 0xfffU + odd - 0x38000000U) >>
           13U;  // rounds, and changes the exponent bias from 127 to 15
  }
  return {static_cast<std::uint16_t>(sign | half)};
}

float to_float(Half value) {
  const std::uint32_t sign = (value.bits & 0x8000U) << 16U, magnitude = value.bits & 0x7fffU;
  std::uint32_t bits = 0;
  if (magnitude >= 0x7c00U)
    bits = 0x7f800000U | (magnitude & 0x3ffU) << 13U;
  else  // fp16 bits as an fp32 exponent are too small by 2^112
    bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13U) * 0x1p112F);
  return std::bit_cast<float>(sign | bits);
}

}  // namespace sapnet::kernels
