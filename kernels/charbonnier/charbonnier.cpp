#include "kernels/charbonnier/charbonnier.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {
namespace {

constexpr std::int64_t kBlock = 16384;

std::int64_t blocks(std::int64_t count) { return (count + kBlock - 1) / kBlock; }

double root(double difference) {
  return std::sqrt(difference * difference + kCharbonnierEpsilon * kCharbonnierEpsilon);
}

}  // namespace

void charbonnier(std::int64_t count, const CharbonnierArguments& a) {
  std::vector<double> partials(static_cast<std::size_t>(blocks(count)));
  parallel_for(blocks(count), [&](std::int64_t block) {
    const std::int64_t end = std::min(count, (block + 1) * kBlock);
    double sum = 0;
    for (std::int64_t k = block * kBlock; k < end; ++k)
      sum += root(static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]));
    partials[static_cast<std::size_t>(block)] = sum;
  });
  double sum = 0;
  for (const double partial : partials) sum += partial;
  *a.value = static_cast<float>(sum / static_cast<double>(count));
}

void charbonnier_backward(std::int64_t count, const CharbonnierBackwardArguments& a) {
  const double factor = static_cast<double>(*a.dvalue) / static_cast<double>(count);
  parallel_for(blocks(count), [&](std::int64_t block) {
    const std::int64_t end = std::min(count, (block + 1) * kBlock);
    for (std::int64_t k = block * kBlock; k < end; ++k) {
      const double difference = static_cast<double>(a.x[k]) - static_cast<double>(a.y[k]);
      a.dx[k] = static_cast<float>(factor * difference / root(difference));
    }
  });
}

}  // namespace sapnet::kernels::cpu
