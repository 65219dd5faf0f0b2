// The Euclidean norm of an array, or the distance between two:
//
//   value = √ Σ (a[k] - b[k])²
//
// Squares are summed in double, in an order that depends only on their number.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct NormArguments {
  const float* a = nullptr;  // (count) each
  const float* b = nullptr;  // or null for zero
  float* value = nullptr;    // (1)

  static auto arrays(auto& a) { return std::tie(a.a, a.b, a.value); }
};

namespace cpu {

void norm(const Context& context, std::int64_t count, const NormArguments& arguments);

}  // namespace cpu

namespace cuda {

void norm(const Context& context, std::int64_t count, const NormArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
