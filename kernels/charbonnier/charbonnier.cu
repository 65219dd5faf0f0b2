#include "kernels/charbonnier/charbonnier.h"
#include "kernels/elementwise.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

__device__ double root(double difference) {
  return sqrt(difference * difference + kCharbonnierEpsilon * kCharbonnierEpsilon);
}

struct AddRoot {
  CharbonnierArguments a;

  __device__ void operator()(std::int64_t k, double (&sums)[1]) const {
    sums[0] += root(static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]));
  }
};

struct CharbonnierBackward {
  CharbonnierBackwardArguments a;
  double count;

  __device__ void operator()(std::int64_t k) const {
    const double difference = static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]);
    a.dx[k] = static_cast<float>(static_cast<double>(*a.dvalue) / count * difference / root(difference));
  }
};

}  // namespace

void charbonnier(const Context& context, std::int64_t count, const CharbonnierArguments& a) {
  gpu::sum<1>(context, count, AddRoot{a}, gpu::Mean{static_cast<double>(count), a.value});
}

void charbonnier_backward(const Context& context, std::int64_t count, const CharbonnierBackwardArguments& a) {
  gpu::for_each_element(count, context.stream, CharbonnierBackward{a, static_cast<double>(count)});
}

}  // namespace sapnet::kernels::cuda
