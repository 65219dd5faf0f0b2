#include "kernels/norm/norm.h"

#include <cmath>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void norm(const Context& /*context*/, std::int64_t count, const NormArguments& a) {
  const double squares = parallel_sum_of_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t k = begin; k < end; ++k) {
      const double difference = static_cast<double>(a.a[k]) - (a.b ? static_cast<double>(a.b[k]) : 0);
      sum += difference * difference;
    }
    return sum;
  });
  *a.value = static_cast<float>(std::sqrt(squares));
}

}  // namespace sapnet::kernels::cpu
