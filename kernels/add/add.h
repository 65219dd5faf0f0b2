// In-place addition of two arrays.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {
namespace cpu {

/// to[k] += from[k] for `count` numbers.
void add(std::int64_t count, const float* from, float* to);

}  // namespace cpu

namespace cuda {

template <class T>
void add(std::int64_t count, const T* from, T* to, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
