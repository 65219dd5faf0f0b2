// Normalises an image's channels to the mean and standard deviation that a network was trained with:
//
//   out[n, y, x, c] = (in[n, y, x, c] - mean[c]) · factor[c]          din = dout · factor[c]
//
// Maps are NHWC, dense, fp32.
#pragma once

#include <array>
#include <cstdint>

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

  static void for_each_array(const auto& /*context*/, const NormalizeProblem& p, const auto& visit,
                             auto&... a) {
    visit(p.pixels * 3, a.in...);
    visit(p.pixels * 3, a.out...);
  }
};

namespace cpu {

void normalize(const Context& context, const NormalizeProblem& problem, const NormalizeArguments& arguments);

}  // namespace cpu

namespace cuda {

void normalize(const Context& context, const NormalizeProblem& problem, const NormalizeArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
