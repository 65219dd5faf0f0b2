// Batch normalisation by the batch's own statistics (Ioffe and Szegedy 2015), as in training. With μ and σ²
// the mean and the biased variance of a channel over images and pixels, and x̂ = (in - μ) / √(σ² + ε):
//
//   out = relu?( γ x̂ + β [+ residual] ),   ε = 1e-5
//
// γ and β are frozen: the way back goes to the input and the residual alone. With g = dout where the ReLU
// passed it on, else 0, which is the residual's gradient, and ⟨⟩ the mean over images and pixels:
//
//   din = γ / √(σ² + ε) · ( g - ⟨g⟩ - x̂ ⟨g x̂⟩ )
//
// All sums are taken in double, those of in and in² in one pass: what they cancel to is then right to far
// more digits than fp32 has. Maps are NHWC, dense, fp32 or, on a GPU, fp16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

struct BatchNormProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;

  constexpr std::int64_t pixels() const { return n * h * w; }
};

/// T: what maps are stored as, float or, on a GPU, Half.
template <class T = float>
struct BasicBatchNormArguments {
  const T* in = nullptr;         // (n, h, w, c)
  const float* gamma = nullptr;  // (c)
  const float* beta = nullptr;   // (c)
  const T* residual = nullptr;   // (n, h, w, c), or null; may be `out` itself
  bool relu = false;
  T* out = nullptr;          // (n, h, w, c); not `in`
  float* mean = nullptr;     // (c): μ
  float* inv_std = nullptr;  // (c): 1 / √(σ² + ε)
};
using BatchNormArguments = BasicBatchNormArguments<>;

template <class T = float>
struct BasicBatchNormBackwardArguments {
  const T* in = nullptr;           // (n, h, w, c)
  const T* out = nullptr;          // the same; null: there is no ReLU
  const T* dout = nullptr;         // the same
  const float* gamma = nullptr;    // (c)
  const float* mean = nullptr;     // (c), as batch_norm wrote them
  const float* inv_std = nullptr;  // (c)
  T* din = nullptr;                // (n, h, w, c); may be `dout` itself
  T* dresidual = nullptr;          // the same, or null; may be `dout` where `din` is not
};
using BatchNormBackwardArguments = BasicBatchNormBackwardArguments<>;

namespace cpu {

void batch_norm(const BatchNormProblem& problem, const BatchNormArguments& arguments);

void batch_norm_backward(const BatchNormProblem& problem, const BatchNormBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Floats that either direction needs to work in; aligned as doubles.
std::size_t batch_norm_workspace(const BatchNormProblem& problem);

template <class T>
void batch_norm(const BatchNormProblem& problem, const BasicBatchNormArguments<T>& arguments,
                float* workspace, CudaStream stream);

template <class T>
void batch_norm_backward(const BatchNormProblem& problem, const BasicBatchNormBackwardArguments<T>& arguments,
                         float* workspace, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
