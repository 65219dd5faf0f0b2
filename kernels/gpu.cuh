// The only interface to CUDA for kernel code: launches, shared memory, and PTX instructions. Kernels contain
// neither inline PTX nor <<<>>>.
//
// The .cu files are compiled twice: by nvcc for GPUs, and by the host compiler for the emulator
// (SAPNET_CUDA=emulated), which runs them thread by thread. There <emulated_gpu.h> replaces the second half
// of this file, with the same names and semantics, and checks for undefined behaviour.
//
// Only .cu and .cuh files may include this.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "kernels/cuda_check.h"

namespace sapnet::kernels::gpu {

constexpr int kWarp = 32;

/// Shared memory per block, static and dynamic, that every GPU of compute capability 8.0 or higher allows;
/// some allow more.
constexpr std::size_t kMaxSharedBytes = 99 * 1024;

/// Allows a kernel this much dynamic shared memory per block. The limit belongs to the kernel, not to a
/// launch, so it is only ever raised: a graph may replay an earlier launch that needs more. Also asks for the
/// largest carve-out, the part of the L1 cache that serves as shared memory, so that more blocks are
/// resident.
template <class... Parameters>
void configure_shared_memory(void (*kernel)(Parameters...), std::size_t bytes) {
  constexpr std::size_t kDefault = 48 * 1024;
  if (bytes == 0) return;
  static std::mutex mutex;
  static std::map<void (*)(Parameters...), std::size_t> limits;
  const std::lock_guard lock(mutex);
  const auto set = [&](cudaFuncAttribute attribute, int value) {
    check_cuda(cudaFuncSetAttribute(kernel, attribute, value), "configuring shared memory");
  };
  const auto [entry, is_new] = limits.try_emplace(kernel, kDefault);
  if (is_new) set(cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
  if (bytes <= entry->second) return;
  set(cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  entry->second = bytes;
}

/// Implements launch and launch_cooperative.
template <class... Parameters, class... Arguments>
void launch_kernel(bool cooperative, void (*kernel)(Parameters...), dim3 grid, int threads,
                   std::size_t shared_bytes, cudaStream_t stream, Arguments&&... arguments) {
  configure_shared_memory(kernel, shared_bytes);
  std::tuple<Parameters...> parameters(std::forward<Arguments>(arguments)...);
  std::apply(
      [&](auto&... parameter) {
        void* pointers[] = {static_cast<void*>(&parameter)..., nullptr};  // for kernels without parameters
        const dim3 block(static_cast<unsigned>(threads));
        check_cuda(cooperative
                       ? cudaLaunchCooperativeKernel(kernel, grid, block, pointers, shared_bytes, stream)
                       : cudaLaunchKernel(kernel, grid, block, pointers, shared_bytes, stream),
                   "launching a kernel");
      },
      parameters);
}

/// Launches `kernel` on a stream with `threads` threads per block and `shared_bytes` of dynamic shared
/// memory. Throws Error if the launch fails; errors inside the kernel are reported at the next
/// synchronisation.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int threads, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  launch_kernel(false, kernel, grid, threads, shared_bytes, stream, std::forward<Arguments>(arguments)...);
}

/// The same for a kernel that calls grid_sync. All its blocks must be resident at once; the launch fails if
/// the device has no room for them.
template <class... Parameters, class... Arguments>
void launch_cooperative(void (*kernel)(Parameters...), dim3 grid, int threads, std::size_t shared_bytes,
                        cudaStream_t stream, Arguments&&... arguments) {
  launch_kernel(true, kernel, grid, threads, shared_bytes, stream, std::forward<Arguments>(arguments)...);
}

}  // namespace sapnet::kernels::gpu

#ifndef __CUDACC__
#include <emulated_gpu.h>
#else

#include <cooperative_groups.h>

/// An array in the block's shared memory: SHARED_ARRAY(float, tile, [4][32]);
#define SHARED_ARRAY(type, name, extents) __shared__ type name extents

/// The launch's dynamic shared memory, 128-byte aligned, as an array: DYNAMIC_SHARED(float, rows);
#define DYNAMIC_SHARED(type, name)                                        \
  extern __shared__ __align__(128) unsigned char sapnet_dynamic_shared[]; \
  type* const name = reinterpret_cast<type*>(sapnet_dynamic_shared)

namespace sapnet::kernels::gpu {

__device__ __forceinline__ unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

/// Stores 16 bytes to global memory, 16-byte aligned, with one instruction.
__device__ __forceinline__ void store16(void* global, const std::uint32_t (&words)[4]) {
  asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(global)),
               "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(words[3])
               : "memory");
}

/// Starts an asynchronous copy of 16 bytes from global to shared memory, or writes 16 zeros if `valid` is
/// false (then `global` is not read, but must still point into the array). Both are 16-byte aligned. The
/// bytes are visible to this thread after cp_async_wait, to others after a subsequent barrier.
__device__ __forceinline__ void cp_async16(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
}

/// Commits all copies of this thread since the last commit as a group.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most the kPending most recent groups of this thread are in flight.
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

/// Loads four 8×8 matrices of 16-bit elements from shared memory (PTX ISA, "ldmatrix"). Lane l passes the
/// address of row l % 8 of matrix l / 8: 8 elements, 16-byte aligned. In fragment[k], lane l receives the
/// elements (row l / 4, columns 2 (l % 4) and 2 (l % 4) + 1) of matrix k, the lower column in the lower half.
/// All lanes of the warp must call it together.
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&fragment)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(shared_address(row))
               : "memory");
}

/// The same, each matrix transposed: in fragment[k], lane l receives the elements (rows 2 (l % 4) and 2 (l %
/// 4) + 1, column l / 4), the lower row in the lower half.
__device__ __forceinline__ void ldmatrix_x4_trans(std::uint32_t (&fragment)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(shared_address(row))
               : "memory");
}

/// d += a · b on the tensor cores: a is 16×16, b 16×8, in fp16; d 16×8 in fp32. With g = lane / 4 and t =
/// lane % 4, the lane holds (PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type"):
///   a[r]: row g + 8 (r % 2), columns 2t + 8 (r / 2) and the next
///   b[r]: rows 2t + 8r and the next, column g
///   d[i]: row g + 8 (i / 2), column 2t + i % 2
/// All lanes of the warp must call it together.
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                                             const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Both rounded to the nearest fp16, the first in the lower half.
__device__ __forceinline__ std::uint32_t two_halves(float first, float second) {
  std::uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

/// 2^x to a relative error of 2^-22; denormal results are zero (PTX ISA, "ex2").
__device__ __forceinline__ float approximate_exp2(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// 1/x to a relative error of 2^-23; denormal results are zero (PTX ISA, "rcp").
__device__ __forceinline__ float approximate_reciprocal(float x) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// The value of the lane whose index differs in the bits of `mask`. All lanes of the warp must call it
/// together.
template <class T>
__device__ __forceinline__ T shuffle_xor(T value, int mask) {
  return __shfl_xor_sync(0xffffffffU, value, mask);
}

/// Grid-wide barrier, for kernels started by launch_cooperative. Earlier writes to global memory are visible
/// after it.
__device__ __forceinline__ void grid_sync() { cooperative_groups::this_grid().sync(); }

}  // namespace sapnet::kernels::gpu

#endif
