#include "kernels/adam/adam.h"
#include "kernels/elementwise.cuh"

namespace sapnet::kernels::cuda {
namespace {

struct Update {
  AdamFactors factors;
  AdamArguments a;

  __device__ void operator()(std::int64_t k) const {
    const AdamFactors& f = factors;
    const float gradient = f.gradient_scale * a.gradients[k];
    const float m = a.first_moments[k] = f.beta1 * a.first_moments[k] + f.new1 * gradient;
    const float v = a.second_moments[k] = f.beta2 * a.second_moments[k] + f.new2 * gradient * gradient;
    a.values[k] -= f.step_size * m / (sqrtf(v) / f.root_correction + f.epsilon);
  }
};

}  // namespace

void adam(const AdamProblem& p, const AdamArguments& a, CudaStream stream) {
  gpu::for_each_element(p.count, stream, Update{adam_factors(p), a});
}

}  // namespace sapnet::kernels::cuda
