// Deterministic sums whose order does not depend on the GPU. Sums over a whole map are in double: each block
// writes a partial sum to `partials`, and one block adds those up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/context.h"
#include "kernels/gpu.cuh"

namespace sapnet::kernels::gpu {

inline constexpr int kSumThreads = 128;

/// The number of blocks for a sum of `terms` terms, of which a block handles of_block at a time: enough to
/// fill a GPU, and few enough for one block to add up the partials.
inline std::int64_t blocks_of_sum(std::int64_t terms, std::int64_t of_block) {
  constexpr std::int64_t kMaxBlocks = 1024;
  return std::min((terms + of_block - 1) / of_block, kMaxBlocks);
}

/// Workspace for this many doubles.
inline double* doubles(const cuda::Context& context, std::int64_t count) {
  return reinterpret_cast<double*>(context.workspace(2 * count));
}

/// The sum over the warp, returned to all its lanes. Call by the whole warp.
__device__ __forceinline__ float sum_over_warp(float value) {
#pragma unroll
  for (int mask = 1; mask < kWarp; mask *= 2) value += shuffle_xor(value, mask);
  return value;
}

/// The sums over a block of kSumThreads, in its first thread. Call once, by the whole block.
template <int kSums>
__device__ void sum_over_block(double (&sums)[kSums]) {
  SHARED_ARRAY(double, values, [kSums][kSumThreads]);
#pragma unroll
  for (int s = 0; s < kSums; ++s) values[s][threadIdx.x] = sums[s];
  for (unsigned half = kSumThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x >= half) continue;
#pragma unroll
    for (int s = 0; s < kSums; ++s) values[s][threadIdx.x] += values[s][threadIdx.x + half];
  }
  if (threadIdx.x != 0) return;  // the other threads must not read values[s][0] early
#pragma unroll
  for (int s = 0; s < kSums; ++s) sums[s] = values[s][0];
}

template <int kSums, class Finish>
__global__ void __launch_bounds__(kSumThreads)
    add_partials(const double* partials, std::int64_t count, Finish finish) {
  double sums[kSums] = {};
  for (std::int64_t k = threadIdx.x; k < count; k += kSumThreads) {
#pragma unroll
    for (int s = 0; s < kSums; ++s) sums[s] += partials[k * kSums + s];
  }
  sum_over_block(sums);
  if (threadIdx.x == 0) finish(sums);
}

/// Adds up partials (count, kSums) and runs finish(sums), a __device__ function object, once.
template <int kSums, class Finish>
void finish_sums(const double* partials, std::int64_t count, cudaStream_t stream, const Finish& finish) {
  launch(add_partials<kSums, Finish>, dim3(1), kSumThreads, 0, stream, partials, count, finish);
}

template <int kSums, class Add>
__global__ void __launch_bounds__(kSumThreads) sum_elements(std::int64_t count, Add add, double* partials) {
  double sums[kSums] = {};
  for (std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * kSumThreads + threadIdx.x; k < count;
       k += static_cast<std::int64_t>(gridDim.x) * kSumThreads)
    add(k, sums);
  sum_over_block(sums);
  if (threadIdx.x != 0) return;
#pragma unroll
  for (int s = 0; s < kSums; ++s) partials[blockIdx.x * kSums + s] = sums[s];
}

/// Runs finish(sums) once, after add(k, sums) for every k in [0, count); both __device__ function objects.
template <int kSums, class Add, class Finish>
void sum(const cuda::Context& context, std::int64_t count, const Add& add, const Finish& finish) {
  const std::int64_t blocks = blocks_of_sum(count, kSumThreads);
  double* const partials = doubles(context, kSums * blocks);
  launch(sum_elements<kSums, Add>, dim3(static_cast<unsigned>(blocks)), kSumThreads, 0, context.stream, count,
         add, partials);
  finish_sums<kSums>(partials, blocks, context.stream, finish);
}

/// Writes the mean, sum / terms.
struct Mean {
  double terms;
  float* value;

  __device__ void operator()(const double (&sums)[1]) const { *value = static_cast<float>(sums[0] / terms); }
};

}  // namespace sapnet::kernels::gpu
