// Normalises an image's channels to the mean and standard deviation that a network was trained with:
//
//   out[n, y, x, c] = (in[n, y, x, c] - mean[c]) · factor[c]          din = dout · factor[c]
//
// Maps are NHWC, dense, fp32.
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

/// For RGB.
struct NormalizeProblem {
  std::int64_t pixels = 0;
  std::array<float, 3> mean = {}, factor = {1, 1, 1};
};

struct NormalizeArguments {
  const float* in = nullptr;  // (pixels, 3)
  float* out = nullptr;       // (pixels, 3); may alias `in`

  static auto arrays(auto& a) { return std::tie(a.in, a.out); }
};

namespace cpu {

void normalize(const Context& context, const NormalizeProblem& problem, const NormalizeArguments& arguments);

}  // namespace cpu

namespace cuda {

void normalize(const Context& context, const NormalizeProblem& problem, const NormalizeArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
