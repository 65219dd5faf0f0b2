#include "kernels/adam/adam.h"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void adam(const AdamProblem& p, const AdamArguments& a) {
  const AdamFactors f = adam_factors(p);
  constexpr std::int64_t kBlock = 16384;
  parallel_for((p.count + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t end = std::min(p.count, (block + 1) * kBlock);
    for (std::int64_t k = block * kBlock; k < end; ++k) {
      const float gradient = f.gradient_scale * a.gradients[k];
      const float m = a.first_moments[k] = f.beta1 * a.first_moments[k] + f.new1 * gradient;
      const float v = a.second_moments[k] = f.beta2 * a.second_moments[k] + f.new2 * gradient * gradient;
      a.values[k] -= f.step_size * m / (std::sqrt(v) / f.root_correction + f.epsilon);
    }
  });
}

}  // namespace sapnet::kernels::cpu
