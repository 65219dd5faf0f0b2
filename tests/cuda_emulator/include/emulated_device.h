// The CUDA kernel language for the host compiler: qualifiers, indices, barriers, warp collectives,
// intrinsics. Each function follows the CUDA C++ Programming Guide, and fails where the guide says
// "undefined".
#pragma once

#include <math.h>
#include <vector_types.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
// Shared memory is per emulated block, so only gpu.cuh's macros can declare it.
#define __shared__ use_SHARED_ARRAY_or_DYNAMIC_SHARED

namespace sapnet::cuda_emulator {

/// The source location of a call in a kernel.
struct Where {
  const char* file;
  int line;
};

// The last parameter of every function that a kernel may misuse; captures the caller's location.
#define SAPNET_CALLED_FROM ::sapnet::cuda_emulator::Where where = {__builtin_FILE(), __builtin_LINE()}

/// The built-in variables of a thread.
struct ThreadPlace {
  uint3 thread_index, block_index;
  dim3 block_extent, grid_extent;
};

/// Those of the running thread.
extern constinit thread_local ThreadPlace* current_place;

enum class Shuffle { kFrom, kUp, kDown, kXor };

/// Waits for all threads of the block; returns for how many `predicate` was true.
int block_barrier(bool predicate, Where where);
void grid_barrier(Where where);
void warp_barrier(unsigned mask, Where where);
unsigned ballot(unsigned mask, bool predicate, Where where);
std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t value, int lane, int width, Where where);

template <class T>
T shuffle_value(Shuffle kind, unsigned mask, T value, int lane, int width, Where where) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t) && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = shuffle(kind, mask, bits, lane, width, where);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace sapnet::cuda_emulator

#define threadIdx (::sapnet::cuda_emulator::current_place->thread_index)
#define blockIdx (::sapnet::cuda_emulator::current_place->block_index)
#define blockDim (::sapnet::cuda_emulator::current_place->block_extent)
#define gridDim (::sapnet::cuda_emulator::current_place->grid_extent)
constexpr int warpSize = 32;

// --- barriers and warp collectives ---

inline void __syncthreads(SAPNET_CALLED_FROM) { sapnet::cuda_emulator::block_barrier(false, where); }
inline int __syncthreads_count(int predicate, SAPNET_CALLED_FROM) {
  return sapnet::cuda_emulator::block_barrier(predicate != 0, where);
}
inline int __syncthreads_or(int predicate, SAPNET_CALLED_FROM) {
  return sapnet::cuda_emulator::block_barrier(predicate != 0, where) > 0;
}
inline int __syncthreads_and(int predicate, SAPNET_CALLED_FROM) {
  return sapnet::cuda_emulator::block_barrier(predicate == 0, where) == 0;
}
inline void __syncwarp(unsigned mask = ~0U, SAPNET_CALLED_FROM) {
  sapnet::cuda_emulator::warp_barrier(mask, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, SAPNET_CALLED_FROM) {
  return sapnet::cuda_emulator::ballot(mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate, SAPNET_CALLED_FROM) {
  return sapnet::cuda_emulator::ballot(mask, predicate != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, SAPNET_CALLED_FROM) {
  return sapnet::cuda_emulator::ballot(mask, predicate == 0, where) == 0;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize, SAPNET_CALLED_FROM) {
  using sapnet::cuda_emulator::Shuffle;
  return sapnet::cuda_emulator::shuffle_value(Shuffle::kFrom, mask, value, lane, width, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize, SAPNET_CALLED_FROM) {
  using sapnet::cuda_emulator::Shuffle;
  return sapnet::cuda_emulator::shuffle_value(Shuffle::kUp, mask, value, static_cast<int>(delta), width,
                                              where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, SAPNET_CALLED_FROM) {
  using sapnet::cuda_emulator::Shuffle;
  return sapnet::cuda_emulator::shuffle_value(Shuffle::kDown, mask, value, static_cast<int>(delta), width,
                                              where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize, SAPNET_CALLED_FROM) {
  using sapnet::cuda_emulator::Shuffle;
  return sapnet::cuda_emulator::shuffle_value(Shuffle::kXor, mask, value, lane_mask, width, where);
}

// --- memory ---

template <class T>
T __ldg(const T* pointer) {
  return *pointer;
}
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
T atomicAdd(T* at, T value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
inline float atomicAdd(float* at, float value) {
  auto* const bits = reinterpret_cast<std::uint32_t*>(at);
  std::uint32_t old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(bits, &old,
                                      std::bit_cast<std::uint32_t>(std::bit_cast<float>(old) + value), true,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return std::bit_cast<float>(old);
}

// --- arithmetic ---

inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
/// Beyond 2^126 the quotient is 0, as on the GPU.
inline float __fdividef(float a, float b) { return fabsf(b) > 0x1p126F && !isinf(b) ? a * 0.0F : a / b; }
inline float __frcp_rn(float x) { return 1.0F / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float rsqrtf(float x) { return 1.0F / sqrtf(x); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0F), 1.0F); }

inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline int __popc(unsigned bits) { return std::popcount(bits); }
inline int __clz(int bits) { return std::countl_zero(static_cast<unsigned>(bits)); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }

template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
