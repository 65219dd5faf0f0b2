// Bringing a image's colours to the mean and spread that a network was trained on:
//
//   out[n, y, x, c] = (in[n, y, x, c] - mean[c]) · factor[c]          din = dout · factor[c]
//
// Maps are NHWC, dense, fp32.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

/// Of RGB.
struct NormalizeProblem {
  std::int64_t pixels = 0;
  std::array<float, 3> mean = {}, factor = {1, 1, 1};
};

namespace cpu {

/// in, out: (pixels, 3); `out` may be `in` itself.
void normalize(const NormalizeProblem& problem, const float* in, float* out);

}  // namespace cpu

namespace cuda {

void normalize(const NormalizeProblem& problem, const float* in, float* out, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
