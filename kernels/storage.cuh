// Storage types of maps: fp32, or fp16 to halve the traffic. Kernels compute in fp32 either way.
#pragma once

#include <type_traits>

#include "kernels/gpu.cuh"
#include "kernels/half.h"

namespace sapnet::kernels::gpu {

/// The device type that corresponds to a host storage type T.
template <class T>
using Stored = std::conditional_t<std::is_same_v<T, Half>, __half, T>;

template <class T>
const Stored<T>* stored(const T* pointer) {
  return reinterpret_cast<const Stored<T>*>(pointer);
}
template <class T>
Stored<T>* stored(T* pointer) {
  return reinterpret_cast<Stored<T>*>(pointer);
}

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(__half value) { return __half2float(value); }

template <class T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ __half from_float<__half>(float value) {
  return __float2half_rn(value);
}

/// kCount adjacent elements, moved by as few instructions as possible; `at` must be aligned to their total
/// size, or to 16 bytes if that is larger.
template <class T, int kCount>
struct alignas(kCount * sizeof(T) < 16 ? kCount * sizeof(T) : 16) Pack {
  T values[kCount];

  __device__ __forceinline__ static Pack load(const T* at) { return *reinterpret_cast<const Pack*>(at); }
  __device__ __forceinline__ void store(T* at) const { *reinterpret_cast<Pack*>(at) = *this; }
};

}  // namespace sapnet::kernels::gpu
