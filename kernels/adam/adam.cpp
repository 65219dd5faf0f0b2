#include "kernels/adam/adam.h"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void adam(const AdamProblem& p, const AdamArguments& a) {
  const auto step = static_cast<double>(p.step);
  const auto step_size = static_cast<float>(p.learning_rate / (1 - std::pow(p.beta1, step)));
  const auto root_correction = static_cast<float>(std::sqrt(1 - std::pow(p.beta2, step)));
  const auto beta1 = static_cast<float>(p.beta1), beta2 = static_cast<float>(p.beta2),
             new1 = static_cast<float>(1 - p.beta1), new2 = static_cast<float>(1 - p.beta2),
             epsilon = static_cast<float>(p.epsilon), scale = static_cast<float>(p.gradient_scale);
  constexpr std::int64_t kBlock = 16384;
  parallel_for((p.count + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t end = std::min(p.count, (block + 1) * kBlock);
    for (std::int64_t k = block * kBlock; k < end; ++k) {
      const float gradient = scale * a.gradients[k];
      const float m = a.first_moments[k] = beta1 * a.first_moments[k] + new1 * gradient;
      const float v = a.second_moments[k] = beta2 * a.second_moments[k] + new2 * gradient * gradient;
      a.values[k] -= step_size * m / (std::sqrt(v) / root_correction + epsilon);
    }
  });
}

}  // namespace sapnet::kernels::cpu
