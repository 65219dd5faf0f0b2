// Elementwise kernels over an array or over the rows of a map.
#pragma once

#include <cstdint>

#include "kernels/gpu.cuh"

namespace sapnet::kernels::gpu {

inline constexpr int kElementThreads = 256;

template <class Body>
__global__ void __launch_bounds__(kElementThreads) each_element(std::int64_t count, Body body) {
  const std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * kElementThreads + threadIdx.x;
  if (k < count) body(k);
}

/// Runs body(k), a __device__ function object, for every k in [0, count).
template <class Body>
void for_each_element(std::int64_t count, cudaStream_t stream, const Body& body) {
  const std::int64_t blocks = (count + kElementThreads - 1) / kElementThreads;
  launch(each_element<Body>, dim3(static_cast<unsigned>(blocks)), kElementThreads, 0, stream, count, body);
}

/// The grid for `rows` rows of `size` elements: x the row, y the block within it.
inline dim3 row_blocks(std::int64_t rows, std::int64_t size) {
  return dim3(static_cast<unsigned>(rows),
              static_cast<unsigned>((size + kElementThreads - 1) / kElementThreads));
}

/// The thread's element in its row.
__device__ __forceinline__ int element_of_row() {
  return static_cast<int>(blockIdx.y) * kElementThreads + static_cast<int>(threadIdx.x);
}

template <class Body>
__global__ void __launch_bounds__(kElementThreads) each_element_of_rows(std::int64_t size, Body body) {
  const int k = element_of_row();
  if (k < size) body(static_cast<int>(blockIdx.x), k);
}

/// Runs body(row, k), a __device__ function object, for every k in [0, size) of every row in [0, rows), both
/// int: for a map's rows this avoids 64-bit divisions in each thread.
template <class Body>
void for_each_element_of_rows(std::int64_t rows, std::int64_t size, cudaStream_t stream, const Body& body) {
  launch(each_element_of_rows<Body>, row_blocks(rows, size), kElementThreads, 0, stream, size, body);
}

}  // namespace sapnet::kernels::gpu
