#include "kernels/charbonnier/charbonnier.h"

#include <cmath>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {
namespace {

double root(double difference) {
  return std::sqrt(difference * difference + kCharbonnierEpsilon * kCharbonnierEpsilon);
}

}  // namespace

void charbonnier(const Context& /*context*/, std::int64_t count, const CharbonnierArguments& a) {
  const double sum = parallel_sum_of_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    double partial = 0;
    for (std::int64_t k = begin; k < end; ++k)
      partial += root(static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]));
    return partial;
  });
  *a.value = static_cast<float>(sum / static_cast<double>(count));
}

void charbonnier_backward(const Context& /*context*/, std::int64_t count,
                          const CharbonnierBackwardArguments& a) {
  const double factor = static_cast<double>(*a.dvalue) / static_cast<double>(count);
  parallel_for_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const double difference = static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]);
      a.dx[k] = static_cast<float>(factor * difference / root(difference));
    }
  });
}

}  // namespace sapnet::kernels::cpu
