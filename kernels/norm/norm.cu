#include "kernels/norm/norm.h"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

struct AddSquare {
  NormArguments a;

  __device__ void operator()(std::int64_t k, double (&sums)[1]) const {
    const double difference = static_cast<double>(a.a[k]) - (a.b ? static_cast<double>(a.b[k]) : 0);
    sums[0] += difference * difference;
  }
};

struct Root {
  float* value;

  __device__ void operator()(const double (&sums)[1]) const { *value = static_cast<float>(sqrt(sums[0])); }
};

}  // namespace

void norm(const Context& context, std::int64_t count, const NormArguments& a) {
  gpu::sum<1>(context, count, AddSquare{a}, Root{a.value});
}

}  // namespace sapnet::kernels::cuda
