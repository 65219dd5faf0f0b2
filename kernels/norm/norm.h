// The Euclidean norm of an array, or the distance of two:
//
//   value = √ Σ (a[k] - b[k])²
//
// with the squares summed in double, in an order that depends on their number alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

struct NormArguments {
  const float* a = nullptr;  // (count) each
  const float* b = nullptr;  // or null for zero
  float* value = nullptr;    // (1)
};

namespace cpu {

void norm(std::int64_t count, const NormArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Floats that norm needs to work in.
std::size_t norm_workspace(std::int64_t count);

void norm(std::int64_t count, const NormArguments& arguments, float* workspace, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
