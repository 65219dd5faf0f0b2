#include "kernels/norm/norm.h"

#include <cmath>
#include <vector>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void norm(std::int64_t count, const NormArguments& a) {
  std::vector<double> partials(static_cast<std::size_t>((count + kParallelBlock - 1) / kParallelBlock));
  parallel_for_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t k = begin; k < end; ++k) {
      const double difference = static_cast<double>(a.a[k]) - (a.b ? static_cast<double>(a.b[k]) : 0);
      sum += difference * difference;
    }
    partials[static_cast<std::size_t>(begin / kParallelBlock)] = sum;
  });
  double sum = 0;
  for (const double partial : partials) sum += partial;
  *a.value = static_cast<float>(std::sqrt(sum));
}

}  // namespace sapnet::kernels::cpu
