// What the two implementations of SSIM share: its window and its constants.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace sapnet::kernels {

inline constexpr std::int64_t kSsimRadius = 5;
inline constexpr std::int64_t kSsimTaps = 2 * kSsimRadius + 1;
inline constexpr double kSsimC1 = 0.01 * 0.01, kSsimC2 = 0.03 * 0.03;

/// A Gaussian of σ = 1.5 that sums to 1; the window is its product with itself.
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

}  // namespace sapnet::kernels
