#include "tests/reference/resize_bilinear.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sapnet::reference {

std::vector<double> resize_bilinear(const kernels::ResizeProblem& p, std::span<const double> in,
                                    std::span<const double> residual) {
  const auto source = [](std::int64_t place, std::int64_t from, std::int64_t to) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    return std::max(0.0, (static_cast<double>(place) + 0.5) * scale - 0.5);
  };
  std::vector<double> out;
  for (std::int64_t n = 0; n < p.n; ++n) {
    for (std::int64_t y = 0; y < p.out_h; ++y) {
      for (std::int64_t x = 0; x < p.out_w; ++x) {
        for (std::int64_t c = 0; c < p.c; ++c) {
          const double row = source(y, p.h, p.out_h), column = source(x, p.w, p.out_w);
          const double top = std::floor(row), left = std::floor(column);
          const auto value = [&](double r, double s) {
            const std::int64_t i = std::min(static_cast<std::int64_t>(r), p.h - 1),
                               j = std::min(static_cast<std::int64_t>(s), p.w - 1);
            return in[static_cast<std::size_t>(((n * p.h + i) * p.w + j) * p.c + c)];
          };
          const double upper = value(top, left) + (column - left) * (value(top, left + 1) - value(top, left));
          const double lower =
              value(top + 1, left) + (column - left) * (value(top + 1, left + 1) - value(top + 1, left));
          const double sum = upper + (row - top) * (lower - upper);
          out.push_back(residual.empty() ? sum : sum + residual[out.size()]);
        }
      }
    }
  }
  return out;
}

}  // namespace sapnet::reference
