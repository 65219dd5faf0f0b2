#include "kernels/norm/norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void norm(std::int64_t count, const NormArguments& a) {
  constexpr std::int64_t kBlock = 16384;
  std::vector<double> partials(static_cast<std::size_t>((count + kBlock - 1) / kBlock));
  parallel_for(static_cast<std::int64_t>(partials.size()), [&](std::int64_t block) {
    const std::int64_t end = std::min(count, (block + 1) * kBlock);
    double sum = 0;
    for (std::int64_t k = block * kBlock; k < end; ++k) {
      const double difference = static_cast<double>(a.a[k]) - (a.b ? static_cast<double>(a.b[k]) : 0);
      sum += difference * difference;
    }
    partials[static_cast<std::size_t>(block)] = sum;
  });
  double sum = 0;
  for (const double part : partials) sum += part;
  *a.value = static_cast<float>(std::sqrt(sum));
}

}  // namespace sapnet::kernels::cpu
