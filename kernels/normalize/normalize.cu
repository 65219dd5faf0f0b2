#include "kernels/elementwise.cuh"
#include "kernels/normalize/normalize.h"

namespace sapnet::kernels::cuda {
namespace {

struct Normalize {
  float mean[3], factor[3];
  const float* in;
  float* out;

  __device__ void operator()(std::int64_t k) const { out[k] = (in[k] - mean[k % 3]) * factor[k % 3]; }
};

}  // namespace

void normalize(const NormalizeProblem& p, const float* in, float* out, CudaStream stream) {
  gpu::for_each_element(
      p.pixels * 3, stream,
      Normalize{{p.mean[0], p.mean[1], p.mean[2]}, {p.factor[0], p.factor[1], p.factor[2]}, in, out});
}

}  // namespace sapnet::kernels::cuda
