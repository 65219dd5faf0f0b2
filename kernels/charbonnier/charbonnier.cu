#include "kernels/charbonnier/charbonnier.h"
#include "kernels/elementwise.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

__device__ double root(double difference) {
  return sqrt(difference * difference + kCharbonnierEpsilon * kCharbonnierEpsilon);
}

__global__ void __launch_bounds__(gpu::kSumThreads)
    sum_charbonnier(std::int64_t count, CharbonnierArguments a, double* partials) {
  double sums[1] = {};
  for (std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * gpu::kSumThreads + threadIdx.x; k < count;
       k += static_cast<std::int64_t>(gridDim.x) * gpu::kSumThreads)
    sums[0] += root(static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]));
  gpu::sum_over_block(sums);
  if (threadIdx.x == 0) partials[blockIdx.x] = sums[0];
}

struct CharbonnierBackward {
  CharbonnierBackwardArguments a;
  double count;

  __device__ void operator()(std::int64_t k) const {
    const double difference = static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]);
    a.dx[k] = static_cast<float>(static_cast<double>(*a.dvalue) / count * difference / root(difference));
  }
};

std::int64_t blocks(std::int64_t count) { return gpu::blocks_of_sum(count, gpu::kSumThreads); }

}  // namespace

void charbonnier(const Context& context, std::int64_t count, const CharbonnierArguments& a) {
  double* const partials = gpu::doubles(context, blocks(count));
  gpu::launch(sum_charbonnier, dim3(static_cast<unsigned>(blocks(count))), gpu::kSumThreads, 0,
              context.stream, count, a, partials);
  gpu::finish_sums<1>(partials, blocks(count), context.stream,
                      gpu::Mean{static_cast<double>(count), a.value});
}

void charbonnier_backward(const Context& context, std::int64_t count, const CharbonnierBackwardArguments& a) {
  gpu::for_each_element(count, context.stream, CharbonnierBackward{a, static_cast<double>(count)});
}

}  // namespace sapnet::kernels::cuda
