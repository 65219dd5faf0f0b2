#include "tests/reference/shifted_sums.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {

ShiftedSums shifted_sums(const kernels::ShiftedSumsProblem& p, std::span<const float> in) {
  ShiftedSums result;
  for (std::int64_t n = 0; n < p.n; ++n) {
    for (std::int64_t a = 0; a < 3; ++a) {
      for (std::int64_t b = 0; b < 3; ++b) {
        for (std::int64_t c = 0; c < p.c; ++c) {
          double sum = 0, magnitude = 0;
          for (std::int64_t y = 0; y < p.h; ++y) {
            for (std::int64_t x = 0; x < p.w; ++x) {
              const std::int64_t row = y + (a - 1) * p.dilation, column = x + (b - 1) * p.dilation;
              if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
              const double value = in[static_cast<std::size_t>(((n * p.h + row) * p.w + column) * p.c + c)];
              sum += value;
              magnitude += std::abs(value);
            }
          }
          result.sums.push_back(sum);
          result.magnitudes.push_back(magnitude);
        }
      }
    }
  }
  return result;
}

}  // namespace sapnet::reference
