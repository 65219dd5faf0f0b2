#include "kernels/add/add.h"
#include "kernels/elementwise.cuh"

namespace sapnet::kernels::cuda {
namespace {

struct Add {
  const float* from;
  float* to;

  __device__ void operator()(std::int64_t k) const { to[k] += from[k]; }
};

}  // namespace

void add(std::int64_t count, const float* from, float* to, CudaStream stream) {
  gpu::for_each_element(count, stream, Add{from, to});
}

}  // namespace sapnet::kernels::cuda
