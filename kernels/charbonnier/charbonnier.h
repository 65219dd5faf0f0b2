// The Charbonnier loss (Charbonnier et al. 1994), a smooth L1, and its gradient:
//
//   value = 1/N Σ √((x - y)² + ε²),   dx = dvalue / N · (x - y) / √((x - y)² + ε²),   ε = 1e-3
//
// over all N elements. Computed in double; the order of summation depends only on N.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

inline constexpr double kCharbonnierEpsilon = 1e-3;

struct CharbonnierArguments {
  const float* x = nullptr;  // (count) each; any layout
  const float* y = nullptr;
  float* value = nullptr;  // scalar

  static auto arrays(auto& a) { return std::tie(a.x, a.y, a.value); }
};

struct CharbonnierBackwardArguments {
  const float* x = nullptr;  // (count) each
  const float* y = nullptr;
  const float* dvalue = nullptr;  // scalar, on the maps' device
  float* dx = nullptr;            // (count)

  static auto arrays(auto& a) { return std::tie(a.x, a.y, a.dvalue, a.dx); }
};

namespace cpu {

/// count: at least 1.
void charbonnier(const Context& context, std::int64_t count, const CharbonnierArguments& arguments);

void charbonnier_backward(const Context& context, std::int64_t count,
                          const CharbonnierBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

void charbonnier(const Context& context, std::int64_t count, const CharbonnierArguments& arguments);

void charbonnier_backward(const Context& context, std::int64_t count,
                          const CharbonnierBackwardArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
