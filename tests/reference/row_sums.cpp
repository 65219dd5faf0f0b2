#include "tests/reference/row_sums.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {

RowSums row_sums(const kernels::RowSumsProblem& p, std::span<const float> in) {
  RowSums result;
  for (std::int64_t row = 0; row < p.n * p.h; ++row) {
    for (int part = 0; part < 3; ++part) {
      for (std::int64_t c = 0; c < p.c; ++c) {
        double sum = 0, magnitude = 0;
        for (std::int64_t x = 0; x < p.w; ++x) {
          const bool counts =
              part == 0 || (part == 1 && x < p.dilation) || (part == 2 && x >= p.w - p.dilation);
          if (!counts) continue;
          const double value = in[static_cast<std::size_t>((row * p.w + x) * p.c + c)];
          sum += value;
          magnitude += std::abs(value);
        }
        result.sums.push_back(sum);
        result.magnitudes.push_back(magnitude);
      }
    }
  }
  return result;
}

}  // namespace sapnet::reference
