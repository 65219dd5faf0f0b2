// The focal loss (Lin et al. 2017) of a segmentation against its own pseudo-labels, for SAPNet's unsupervised
// background segmentation (arXiv 2111.08892): the label of a pixel is its most probable class.
//
//   p = softmax(logits),   t = argmax p (the first if tied),   q = min(p_t, 1 - 1e-7)
//   value = 1/P Σ_pixels -α (1 - q)^γ log q
//
// over P pixels. The gradient treats the label as a constant, and is zero where p_t is clamped:
//
//   ∂value/∂logit_j = (t = j ? 1 - p_t : -p_j) · α/P (γ q (1 - q)^(γ-1) log q - (1 - q)^γ),   or 0 if p_t ≠ q
//
// The published code also clamps at 1e-7 from below, which has no effect on the largest of c probabilities:
// it is at least 1/c.
//
// Logits are NHWC, dense, fp32. Arithmetic is in double, with s = Σ_{j≠t} exp(logit_j - logit_t), p_t = 1 /
// (1 + s) and 1 - p_t = s / (1 + s), which stays accurate where p_t is close to 1.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct FocalProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;
  double gamma = 2, alpha = 1;  // gamma: not negative; 0 gives the cross-entropy

  constexpr std::int64_t pixels() const { return n * h * w; }
};

struct FocalArguments {
  const float* logits = nullptr;  // (n, h, w, c)
  float* value = nullptr;         // scalar
  float* dlogits = nullptr;       // (n, h, w, c): ∂value/∂logits; or null

  static auto arrays(auto& a) { return std::tie(a.logits, a.value, a.dlogits); }
};

struct FocalBackwardArguments {
  float* dlogits = nullptr;       // as written by focal; multiplied by dvalue in place
  const float* dvalue = nullptr;  // scalar, on the logits' device

  static auto arrays(auto& a) { return std::tie(a.dlogits, a.dvalue); }
};

namespace cpu {

void focal(const Context& context, const FocalProblem& problem, const FocalArguments& arguments);

void focal_backward(const Context& context, const FocalProblem& problem,
                    const FocalBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

void focal(const Context& context, const FocalProblem& problem, const FocalArguments& arguments);

void focal_backward(const Context& context, const FocalProblem& problem,
                    const FocalBackwardArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
