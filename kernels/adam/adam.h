// Adam (Kingma & Ba 2015), in PyTorch's order of operations. At step t, with g the gradient after removing
// the loss scale and clipping the global norm to `clip`:
//
//   m = β1 m + (1 - β1) g,   v = β2 v + (1 - β2) g²
//   value -= lr / (1 - β1ᵗ) · m / (√v / √(1 - β2ᵗ) + ε)
//
// and optionally an exponential moving average (EMA) of the updated values. Its decay starts at 1/10 and
// grows, so that the average soon forgets the initial values:
//
//   ema += (1 - d) (value - ema),   d = min(ema_decay, (1 + n) / (10 + n)),   n = t - 1
//
// Everything that changes from step to step is in device memory, so a captured CUDA graph can be replayed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct AdamProblem {
  std::int64_t step = 1;  // t, from 1
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double loss_scale = 1;  // by which the gradients were multiplied
  double clip = 0;        // maximum global norm; 0: no clipping
  double ema_decay = 0;   // in [0, 1)
};

/// The factors of one step, the same for all values.
struct AdamFactors {
  float step_size, root_correction, beta1, beta2, new1, new2, epsilon, unscale, clip;
  float ema_new;  // 1 - d
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
          .unscale = static_cast<float>(1 / p.loss_scale),
          .clip = static_cast<float>(p.clip),
          .ema_new = static_cast<float>(1 - std::min(p.ema_decay, step / (9 + step)))};
}

struct AdamArguments {
  const AdamFactors* factors = nullptr;  // (1)
  float* values = nullptr;               // (count) each; all but the gradients are updated
  const float* gradients = nullptr;
  float* first_moments = nullptr;   // m
  float* second_moments = nullptr;  // v
  float* ema = nullptr;             // or null
  // The first is the norm of all gradients. Nothing is updated unless all are finite.
  const float* checked = nullptr;  // (checks)
  std::int64_t checks = 1;

  static auto arrays(auto& a) {
    return std::tie(a.factors, a.values, a.gradients, a.first_moments, a.second_moments, a.ema, a.checked);
  }
};

namespace cpu {

void adam(const Context& context, std::int64_t count, const AdamArguments& arguments);

}  // namespace cpu

namespace cuda {

void adam(const Context& context, std::int64_t count, const AdamArguments& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
