// Batch normalisation with batch statistics (Ioffe and Szegedy 2015), as in training. With μ and σ² the mean
// and the biased variance of a channel over images and pixels, and x̂ = (in - μ) / √(σ² + ε):
//
//   out = relu?( γ x̂ + β [+ residual] ),   ε = 1e-5
//
// γ and β are frozen: only the input and the residual get gradients. With g = dout masked by the ReLU, which
// is also the residual's gradient, and ⟨⟩ the mean over images and pixels:
//
//   din = γ / √(σ² + ε) · ( g - ⟨g⟩ - x̂ ⟨g x̂⟩ )
//
// Sums are in double, so Σ in and Σ in² can be computed in one pass despite the cancellation in σ². Maps are
// NHWC, dense, fp32 or, on a GPU, fp16.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct BatchNormProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;

  constexpr std::int64_t pixels() const { return n * h * w; }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct BatchNormArguments {
  const T* in = nullptr;         // (n, h, w, c)
  const float* gamma = nullptr;  // (c)
  const float* beta = nullptr;   // (c)
  const T* residual = nullptr;   // (n, h, w, c), or null; may alias `out`
  bool relu = false;
  T* out = nullptr;          // (n, h, w, c); must not alias `in`
  float* mean = nullptr;     // (c): μ
  float* inv_std = nullptr;  // (c): 1 / √(σ² + ε)

  static auto arrays(auto& a) {
    return std::tie(a.in, a.gamma, a.beta, a.residual, a.out, a.mean, a.inv_std);
  }
};

template <class T = float>
struct BatchNormBackwardArguments {
  const T* in = nullptr;           // (n, h, w, c)
  const T* out = nullptr;          // the same; null: no ReLU
  const T* dout = nullptr;         // the same
  const float* gamma = nullptr;    // (c)
  const float* mean = nullptr;     // (c), as batch_norm wrote them
  const float* inv_std = nullptr;  // (c)
  T* din = nullptr;                // (n, h, w, c); may alias `dout`
  T* dresidual = nullptr;          // the same, or null; may alias `dout` if `din` does not

  static auto arrays(auto& a) {
    return std::tie(a.in, a.out, a.dout, a.gamma, a.mean, a.inv_std, a.din, a.dresidual);
  }
};

namespace cpu {

void batch_norm(const Context& context, const BatchNormProblem& problem,
                const BatchNormArguments<>& arguments);

void batch_norm_backward(const Context& context, const BatchNormProblem& problem,
                         const BatchNormBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void batch_norm(const Context& context, const BatchNormProblem& problem,
                const BatchNormArguments<T>& arguments);

template <class T>
void batch_norm_backward(const Context& context, const BatchNormProblem& problem,
                         const BatchNormBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
