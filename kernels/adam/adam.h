// Adam (Kingma & Ba 2015), in PyTorch's order of operations. At step t, with g the gradient times its scale:
//
//   m = β1 m + (1 - β1) g,   v = β2 v + (1 - β2) g²
//   value -= lr / (1 - β1ᵗ) · m / (√v / √(1 - β2ᵗ) + ε)
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

struct AdamProblem {
  std::int64_t count = 0;
  std::int64_t step = 1;  // t, from 1
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double gradient_scale = 1;  // less than 1 where a gradient is clipped
};

struct AdamArguments {
  float* values = nullptr;  // (count) each; all but the gradients are updated
  const float* gradients = nullptr;
  float* first_moments = nullptr;   // m
  float* second_moments = nullptr;  // v
};

/// The numbers of a step that all values share.
struct AdamFactors {
  float step_size, root_correction, beta1, beta2, new1, new2, epsilon, gradient_scale;
};

inline AdamFactors adam_factors(const AdamProblem& p) {
  const auto step = static_cast<double>(p.step);
  return {.step_size = static_cast<float>(p.learning_rate / (1 - std::pow(p.beta1, step))),
          .root_correction = static_cast<float>(std::sqrt(1 - std::pow(p.beta2, step))),
          .beta1 = static_cast<float>(p.beta1),
          .beta2 = static_cast<float>(p.beta2),
          .new1 = static_cast<float>(1 - p.beta1),
          .new2 = static_cast<float>(1 - p.beta2),
          .epsilon = static_cast<float>(p.epsilon),
          .gradient_scale = static_cast<float>(p.gradient_scale)};
}

namespace cpu {

void adam(const AdamProblem& problem, const AdamArguments& arguments);

}  // namespace cpu

namespace cuda {

void adam(const AdamProblem& problem, const AdamArguments& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
