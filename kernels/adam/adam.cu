#include "kernels/adam/adam.h"
#include "kernels/adam/update.h"
#include "kernels/elementwise.cuh"

namespace sapnet::kernels::cuda {
namespace {

struct Update {
  AdamArguments a;

  __device__ void operator()(std::int64_t k) const {
    if (!all_finite(a.checked, a.checks)) return;
    const AdamFactors f = *a.factors;
    const float gradient = gradient_factor(f, *a.checked) * a.gradients[k];
    const float m = a.first_moments[k] = first_moment(f, a.first_moments[k], gradient);
    const float v = a.second_moments[k] = second_moment(f, a.second_moments[k], gradient);
    const float value = a.values[k] -= movement(f, m, sqrtf(v));
    if (a.ema) a.ema[k] = moved_ema(f, a.ema[k], value);
  }
};

}  // namespace

void adam(const Context& context, std::int64_t count, const AdamArguments& a) {
  gpu::for_each_element(count, context.stream, Update{a});
}

}  // namespace sapnet::kernels::cuda
