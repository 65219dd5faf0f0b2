#include "kernels/norm/norm.h"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

__global__ void __launch_bounds__(gpu::kSumThreads)
    sum_squares(std::int64_t count, NormArguments a, double* partials) {
  double sums[1] = {};
  for (std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * gpu::kSumThreads + threadIdx.x; k < count;
       k += static_cast<std::int64_t>(gridDim.x) * gpu::kSumThreads) {
    const double difference = static_cast<double>(a.a[k]) - (a.b ? static_cast<double>(a.b[k]) : 0);
    sums[0] += difference * difference;
  }
  gpu::sum_over_block(sums);
  if (threadIdx.x == 0) partials[blockIdx.x] = sums[0];
}

struct Root {
  float* value;

  __device__ void operator()(const double (&sums)[1]) const { *value = static_cast<float>(sqrt(sums[0])); }
};

std::int64_t blocks(std::int64_t count) { return gpu::blocks_of_sum(count, gpu::kSumThreads); }

}  // namespace

void norm(const Context& context, std::int64_t count, const NormArguments& a) {
  double* const partials = gpu::doubles(context, blocks(count));
  gpu::launch(sum_squares, dim3(static_cast<unsigned>(blocks(count))), gpu::kSumThreads, 0, context.stream,
              count, a, partials);
  gpu::finish_sums<1>(partials, blocks(count), context.stream, Root{a.value});
}

}  // namespace sapnet::kernels::cuda
