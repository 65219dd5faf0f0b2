// The Charbonnier loss (Charbonnier et al. 1994), a smooth L1, and its gradient:
//
//   value = 1/N Σ √((x - y)² + ε²),   dx = dvalue / N · (x - y) / √((x - y)² + ε²),   ε = 1e-3
//
// over all N elements. The arithmetic is double, in an order that depends on N alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

inline constexpr double kCharbonnierEpsilon = 1e-3;

struct CharbonnierArguments {
  const float* x = nullptr;  // (count) each, in any order
  const float* y = nullptr;
  float* value = nullptr;  // one number
};

struct CharbonnierBackwardArguments {
  const float* x = nullptr;  // (count) each
  const float* y = nullptr;
  const float* dvalue = nullptr;  // one number, where the maps lie
  float* dx = nullptr;            // (count)
};

namespace cpu {

/// count: at least 1.
void charbonnier(std::int64_t count, const CharbonnierArguments& arguments);

void charbonnier_backward(std::int64_t count, const CharbonnierBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Floats of workspace that charbonnier needs; aligned as doubles.
std::size_t charbonnier_workspace(std::int64_t count);

void charbonnier(std::int64_t count, const CharbonnierArguments& arguments, float* workspace,
                 CudaStream stream);

void charbonnier_backward(std::int64_t count, const CharbonnierBackwardArguments& arguments,
                          CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
