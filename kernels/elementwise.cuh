// Kernels that do the same with each element of an array.
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

}  // namespace sapnet::kernels::gpu
