#include "tests/reference/ssim.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace sapnet::reference {
namespace {

/// The window's weights, which sum to 1.
class Window {
 public:
  Window() {
    double sum = 0;
    for (std::int64_t i = -5; i <= 5; ++i)
      for (std::int64_t j = -5; j <= 5; ++j)
        sum += weights_[i + 5][j + 5] = std::exp(-static_cast<double>(i * i + j * j) / (2 * 1.5 * 1.5));
    for (auto& row : weights_)
      for (double& weight : row) weight /= sum;
  }
  double operator()(std::int64_t i, std::int64_t j) const { return weights_[i + 5][j + 5]; }

 private:
  double weights_[11][11];
};

}  // namespace

// A two-dimensional window at every pixel of every channel, with central moments instead of differences of
// raw ones.
double ssim(const kernels::SsimProblem& p, std::span<const double> x, std::span<const double> y) {
  const Window window;
  double total = 0;
  for (std::int64_t n = 0; n < p.n; ++n) {
    for (std::int64_t row = 0; row < p.h; ++row) {
      for (std::int64_t column = 0; column < p.w; ++column) {
        for (std::int64_t c = 0; c < p.c; ++c) {
          // The window's mean of f(x, y), zero-padded.
          const auto mean = [&](const auto& f) {
            double sum = 0;
            for (std::int64_t i = -5; i <= 5; ++i) {
              for (std::int64_t j = -5; j <= 5; ++j) {
                const std::int64_t r = row + i, s = column + j;
                const bool inside = r >= 0 && r < p.h && s >= 0 && s < p.w;
                const auto at = inside ? static_cast<std::size_t>(((n * p.h + r) * p.w + s) * p.c + c) : 0;
                sum += window(i, j) * (inside ? f(x[at], y[at]) : f(0.0, 0.0));
              }
            }
            return sum;
          };
          const double mx = mean([](double a, double) { return a; }),
                       my = mean([](double, double b) { return b; });
          const double vx = mean([&](double a, double) { return (a - mx) * (a - mx); });
          const double vy = mean([&](double, double b) { return (b - my) * (b - my); });
          const double covariance = mean([&](double a, double b) { return (a - mx) * (b - my); });
          total += (2 * mx * my + 1e-4) * (2 * covariance + 9e-4) /
                   ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4));
        }
      }
    }
  }
  return total / static_cast<double>(p.count());
}

}  // namespace sapnet::reference
