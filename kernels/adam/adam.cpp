#include "kernels/adam/adam.h"

#include <cmath>

#include "kernels/adam/update.h"
#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void adam(const Context& /*context*/, std::int64_t count, const AdamArguments& a) {
  if (!all_finite(a.checked, a.checks)) return;
  const AdamFactors f = *a.factors;
  const float factor = gradient_factor(f, *a.checked);
  parallel_for_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const float gradient = factor * a.gradients[k];
      const float m = a.first_moments[k] = first_moment(f, a.first_moments[k], gradient);
      const float v = a.second_moments[k] = second_moment(f, a.second_moments[k], gradient);
      a.values[k] -= movement(f, m, std::sqrt(v));
      if (a.ema) a.ema[k] = moved_ema(f, a.ema[k], a.values[k]);
    }
  });
}

}  // namespace sapnet::kernels::cpu
