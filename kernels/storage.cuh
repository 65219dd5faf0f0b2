// Storage types of maps: fp32, or fp16 to halve the traffic. Kernels compute in fp32 either way.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/gpu.cuh"
#include "kernels/half.h"

namespace sapnet::kernels::gpu {

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(Half value) { return __half2float(__ushort_as_half(value.bits)); }

template <class T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ Half from_float<Half>(float value) {
  return {__half_as_ushort(__float2half_rn(value))};
}

/// kCount adjacent elements, moved by as few instructions as possible; `at` must be aligned to their total
/// size, or to 16 bytes if that is larger.
template <class T, int kCount>
struct alignas(kCount * sizeof(T) < 16 ? kCount * sizeof(T) : 16) Pack {
  T values[kCount];

  __device__ __forceinline__ static Pack load(const T* at) { return *reinterpret_cast<const Pack*>(at); }
  __device__ __forceinline__ void store(T* at) const { *reinterpret_cast<Pack*>(at) = *this; }

  /// The same to global memory. nvcc splits a 16-byte assignment of Halves into four instructions or more.
  __device__ __forceinline__ void store_global(T* at) const {
    struct Chunk {
      std::uint32_t words[4];
    };
    if constexpr (sizeof(Pack) % sizeof(Chunk) == 0) {
      const auto chunks = std::bit_cast<std::array<Chunk, sizeof(Pack) / sizeof(Chunk)>>(*this);
#pragma unroll
      for (std::size_t k = 0; k < chunks.size(); ++k)
        store16(at + k * (sizeof(Chunk) / sizeof(T)), chunks[k].words);
    } else {
      store(at);
    }
  }
};

/// Rounds values to T, two Halves per instruction.
template <class T, int kCount>
__device__ __forceinline__ Pack<T, kCount> pack(const float (&values)[kCount]) {
  if constexpr (std::is_same_v<T, Half> && kCount % 2 == 0) {
    std::array<std::uint32_t, kCount / 2> pairs;
#pragma unroll
    for (int k = 0; k < kCount; k += 2) pairs[k / 2] = two_halves(values[k], values[k + 1]);
    return std::bit_cast<Pack<T, kCount>>(pairs);
  } else {
    Pack<T, kCount> packed;
#pragma unroll
    for (int k = 0; k < kCount; ++k) packed.values[k] = from_float<T>(values[k]);
    return packed;
  }
}

}  // namespace sapnet::kernels::gpu

/// Compiles a templated CUDA operation for maps of either type.
#define SAPNET_INSTANTIATE(operation, Problem, Arguments)                    \
  template void operation(const Context&, Problem, const Arguments<float>&); \
  template void operation(const Context&, Problem, const Arguments<Half>&)
