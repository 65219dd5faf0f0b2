// Structural similarity (Wang et al. 2004) and its gradient. With w an 11×11 Gaussian window of σ = 1.5 that
// sums to 1, zero padding, and μ the windowed mean of each map:
//
//   σx² = Σw x² - μx²,   σy² = Σw y² - μy²,   σxy = Σw x y - μx μy
//   S = (2 μx μy + C1) (2 σxy + C2) / ((μx² + μy² + C1) (σx² + σy² + C2)),   C1 = 0.01², C2 = 0.03²
//
// for a data range of 1. The value is the mean of S over images, pixels and channels. The forward pass saves
// the derivatives of S with respect to the three windowed sums that contain x; the window is symmetric, so
// the backward pass applies the same window to them:
//
//   dx = dvalue / count · ( w∗∂S/∂Σw x + 2 x · w∗∂S/∂Σw x² + y · w∗∂S/∂Σw x y )
//
// Maps are NHWC, dense, fp32.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct SsimProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;

  constexpr std::int64_t count() const { return n * h * w * c; }
};

struct SsimArguments {
  const float* x = nullptr;      // (n, h, w, c)
  const float* y = nullptr;      // (n, h, w, c)
  float* value = nullptr;        // scalar: the mean of S; computed in double
  float* derivatives = nullptr;  // (3, n, h, w, c): of S with respect to Σw x, Σw x² and Σw x y; or null

  static auto arrays(auto& a) { return std::tie(a.x, a.y, a.value, a.derivatives); }
};

struct SsimBackwardArguments {
  const float* x = nullptr;
  const float* y = nullptr;
  const float* derivatives = nullptr;  // as ssim wrote them
  const float* dvalue = nullptr;       // scalar, on the maps' device
  float* dx = nullptr;                 // (n, h, w, c)

  static auto arrays(auto& a) { return std::tie(a.x, a.y, a.derivatives, a.dvalue, a.dx); }
};

namespace cpu {

void ssim(const Context& context, const SsimProblem& problem, const SsimArguments& arguments);

void ssim_backward(const Context& context, const SsimProblem& problem,
                   const SsimBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

void ssim(const Context& context, const SsimProblem& problem, const SsimArguments& arguments);

void ssim_backward(const Context& context, const SsimProblem& problem,
                   const SsimBackwardArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
