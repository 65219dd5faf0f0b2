// Shared by both implementations of SSIM: window and constants.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace sapnet::kernels {

inline constexpr std::int64_t kSsimRadius = 5;
inline constexpr std::int64_t kSsimTaps = 2 * kSsimRadius + 1;
inline constexpr double kSsimC1 = 0.01 * 0.01, kSsimC2 = 0.03 * 0.03;

/// A Gaussian of σ = 1.5 that sums to 1; the 2-D window is its outer product with itself.
struct SsimWindow {
  double weights[kSsimTaps];
};

inline SsimWindow ssim_window() {
  constexpr double kSigma = 1.5;
  SsimWindow window{};
  double sum = 0;
  for (std::int64_t i = 0; i < kSsimTaps; ++i) {
    const auto x = static_cast<double>(i - kSsimRadius);
    sum += window.weights[i] = std::exp(-x * x / (2 * kSigma * kSigma));
  }
  for (double& weight : window.weights) weight /= sum;
  return window;
}

/// S at a pixel, and its derivatives with respect to the windowed sums of x, x² and x y.
struct SsimPoint {
  double value, by_mean, by_square, by_product;
};

/// From the windowed sums of x, y, x² + y² and x y. constexpr, so callable from device code.
constexpr SsimPoint ssim_point(double mean_x, double mean_y, double squares, double product) {
  const double means = mean_x * mean_x + mean_y * mean_y;
  const double a1 = 2 * mean_x * mean_y + kSsimC1, a2 = 2 * (product - mean_x * mean_y) + kSsimC2;
  const double r1 = 1 / (means + kSsimC1), r2 = 1 / (squares - means + kSsimC2);
  const double s = a1 * a2 * r1 * r2;
  const double by_variance = -s * r2, by_covariance = 2 * a1 * r1 * r2;
  // The mean also enters the variance and the covariance.
  const double by_mean =
      2 * mean_y * a2 * r1 * r2 - 2 * mean_x * (s * r1 + by_variance) - mean_y * by_covariance;
  return {s, by_mean, by_variance, by_covariance};
}

}  // namespace sapnet::kernels
