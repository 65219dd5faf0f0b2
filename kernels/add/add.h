// Adding one array to another.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {
namespace cpu {

/// to[k] += from[k] for `count` numbers.
void add(std::int64_t count, const float* from, float* to);

}  // namespace cpu

namespace cuda {

void add(std::int64_t count, const float* from, float* to, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
