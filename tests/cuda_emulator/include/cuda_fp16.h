// Replaces the toolkit's header: the part of half precision that the kernels use. Sums and products are
// computed in fp32 and rounded again: 24 ≥ 2 · 11 + 2 bits, so double rounding gives the same half as single
// rounding.
#pragma once

#include <math.h>
#include <vector_types.h>

#include <bit>
#include <cstdint>

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace sapnet::cuda_emulator {

/// Rounds to the nearest half, ties to even, with fp32 arithmetic only.
inline std::uint16_t half_bits_portably(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16U & 0x8000U, magnitude = bits & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00U;  // NaN
  } else if (magnitude >= 0x47800000U) {
    half = 0x7c00U;  // 2^16 and above: infinity
  } else if (magnitude < 0x38800000U) {
    // Below 2^-14 halves are multiples of 2^-24, the last bit of an fp32 number around 1/2.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  } else {
    half = (magnitude - 0x38000000U + 0xfffU + (magnitude >> 13U & 1U)) >> 13U;
  }
  return static_cast<std::uint16_t>(sign | half);
}

inline float float_from_half_portably(std::uint16_t half) {
  // The shifted bits as fp32 are 2^-112 of the value; the multiplication also normalises subnormals.
  float value = std::bit_cast<float>((half & 0x7fffU) << 13U) * 0x1p112F;
  if (value >= 0x1p16F) value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | 0x7f800000U);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | (half & 0x8000U) << 16U);
}

#ifdef __F16C__
inline std::uint16_t half_bits(float value) {
  const __m128i halves = _mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT);
  return static_cast<std::uint16_t>(_mm_cvtsi128_si32(halves));
}
inline float float_from_half(std::uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}
#else
inline std::uint16_t half_bits(float value) { return half_bits_portably(value); }
inline float float_from_half(std::uint16_t half) { return float_from_half_portably(half); }
#endif

}  // namespace sapnet::cuda_emulator

struct __half_raw {
  unsigned short x;
};

struct __half {
  std::uint16_t bits;

  __half() = default;
  constexpr __half(const __half_raw& raw) : bits(raw.x) {}
  explicit __half(float value) : bits(sapnet::cuda_emulator::half_bits(value)) {}
  explicit operator float() const { return sapnet::cuda_emulator::float_from_half(bits); }
};

struct alignas(4) __half2 {
  __half x, y;
};

using half = __half;
using half2 = __half2;

inline float __half2float(__half value) { return static_cast<float>(value); }
inline __half __float2half(float value) { return __half(value); }
inline __half __float2half_rn(float value) { return __half(value); }
inline unsigned short __half_as_ushort(__half value) { return value.bits; }
inline __half __ushort_as_half(unsigned short bits) { return __half_raw{bits}; }

inline __half2 __halves2half2(__half low, __half high) { return {low, high}; }
inline __half2 __half2half2(__half value) { return {value, value}; }
inline __half2 __float2half2_rn(float value) { return __half2half2(__half(value)); }
inline __half2 __floats2half2_rn(float low, float high) { return {__half(low), __half(high)}; }
inline __half2 __float22half2_rn(float2 value) { return __floats2half2_rn(value.x, value.y); }
inline float2 __half22float2(__half2 value) { return {__half2float(value.x), __half2float(value.y)}; }
inline __half __low2half(__half2 value) { return value.x; }
inline __half __high2half(__half2 value) { return value.y; }
inline float __low2float(__half2 value) { return __half2float(value.x); }
inline float __high2float(__half2 value) { return __half2float(value.y); }

inline __half __hadd(__half a, __half b) { return __half(__half2float(a) + __half2float(b)); }
inline __half __hmul(__half a, __half b) { return __half(__half2float(a) * __half2float(b)); }
inline __half __hmax(__half a, __half b) { return __half(fmaxf(__half2float(a), __half2float(b))); }
inline __half2 __hadd2(__half2 a, __half2 b) { return {__hadd(a.x, b.x), __hadd(a.y, b.y)}; }
inline __half2 __hmul2(__half2 a, __half2 b) { return {__hmul(a.x, b.x), __hmul(a.y, b.y)}; }
inline __half2 __hmax2(__half2 a, __half2 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }
