// Normalises an image's channels to the mean and standard deviation that a network was trained with:
//
//   out[n, y, x, c] = (in[n, y, x, c] - mean[c]) · factor[c]          din = dout · factor[c]
//
// Maps are NHWC, dense, fp32.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

/// For RGB.
struct NormalizeProblem {
  std::int64_t pixels = 0;
  std::array<float, 3> mean = {}, factor = {1, 1, 1};
};

namespace cpu {

/// in, out: (pixels, 3); `out` may alias `in`.
void normalize(const NormalizeProblem& problem, const float* in, float* out);

}  // namespace cpu

namespace cuda {

void normalize(const NormalizeProblem& problem, const float* in, float* out, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
