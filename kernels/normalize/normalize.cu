#include "kernels/elementwise.cuh"
#include "kernels/normalize/normalize.h"

namespace sapnet::kernels::cuda {
namespace {

struct Normalize {
  float mean[3], factor[3];
  NormalizeArguments a;

  __device__ void operator()(std::int64_t k) const { a.out[k] = (a.in[k] - mean[k % 3]) * factor[k % 3]; }
};

}  // namespace

void normalize(const Context& context, const NormalizeProblem& p, const NormalizeArguments& a) {
  gpu::for_each_element(
      p.pixels * 3, context.stream,
      Normalize{{p.mean[0], p.mean[1], p.mean[2]}, {p.factor[0], p.factor[1], p.factor[2]}, a});
}

}  // namespace sapnet::kernels::cuda
