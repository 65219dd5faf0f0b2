// The Euclidean norm of an array, or the distance between two:
//
//   value = √ Σ (a[k] - b[k])²
//
// Squares are summed in double, in an order that depends only on their number.
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

/// Workspace of norm in floats.
std::size_t norm_workspace(std::int64_t count);

void norm(std::int64_t count, const NormArguments& arguments, float* workspace, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
