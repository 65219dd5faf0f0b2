#include "train/metrics.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "engine/error.h"
#include "train/image.h"

namespace sapnet::train {
namespace {

constexpr int kRadius = 5;
constexpr int kTaps = 2 * kRadius + 1;
constexpr double kSigma = 1.5;
constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;

std::array<double, kTaps> gaussian_window() {
  std::array<double, kTaps> window;
  double sum = 0;
  for (int i = 0; i < kTaps; ++i) {
    const double x = i - kRadius;
    window[static_cast<std::size_t>(i)] = std::exp(-x * x / (2 * kSigma * kSigma));
    sum += window[static_cast<std::size_t>(i)];
  }
  for (double& w : window) w /= sum;
  return window;
}

void check_sizes(std::size_t a, std::size_t b) {
  if (a != b) {
    throw Error("cannot compare pictures of different sizes: " + std::to_string(a) + " against " +
                std::to_string(b) + " values");
  }
}

// Local moments of one row of pixels. Channels stay interleaved: a row is width × channels values, and the
// window's neighbours in x lie `channels` apart. kRadius pixels of zeros on both sides stand for the padding.
struct MomentRow {
  std::vector<double> a, b, squares, product;  // Σw a, Σw b, Σw (a² + b²), Σw ab
  explicit MomentRow(std::size_t size) : a(size), b(size), squares(size), product(size) {}
};

}  // namespace

double psnr(std::span<const float> a, std::span<const float> b) {
  check_sizes(a.size(), b.size());
  if (a.empty()) throw Error("cannot compare pictures without pixels");
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  if (sum == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(static_cast<double>(a.size()) / sum);
}

double ssim(std::span<const float> a, std::span<const float> b, int height, int width, int channels) {
  check_sizes(a.size(), b.size());
  if (height < 1 || width < 1 || channels < 1) throw Error("cannot compare pictures without pixels");
  const auto stride = static_cast<std::size_t>(channels);
  const auto row_size = static_cast<std::size_t>(width) * stride;
  if (a.size() != static_cast<std::size_t>(height) * row_size) {
    throw Error("a picture of " + std::to_string(a.size()) + " values is not " + std::to_string(height) +
                "x" + std::to_string(width) + "x" + std::to_string(channels));
  }

  static const std::array<double, kTaps> window = gaussian_window();
  const std::size_t margin = kRadius * stride;
  double total = 0;
  for (int y = 0; y < height; ++y) {
    MomentRow row(row_size + 2 * margin);
    for (int tap = 0; tap < kTaps; ++tap) {
      const int source = y + tap - kRadius;
      if (source < 0 || source >= height) continue;
      const double weight = window[static_cast<std::size_t>(tap)];
      const float* row_a = a.data() + static_cast<std::size_t>(source) * row_size;
      const float* row_b = b.data() + static_cast<std::size_t>(source) * row_size;
      for (std::size_t i = 0; i < row_size; ++i) {
        const auto va = static_cast<double>(row_a[i]), vb = static_cast<double>(row_b[i]);
        row.a[margin + i] += weight * va;
        row.b[margin + i] += weight * vb;
        row.squares[margin + i] += weight * (va * va + vb * vb);
        row.product[margin + i] += weight * (va * vb);
      }
    }
    for (std::size_t i = 0; i < row_size; ++i) {
      double mean_a = 0, mean_b = 0, squares = 0, product = 0;
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        const std::size_t j = i + tap * stride;
        mean_a += window[tap] * row.a[j];
        mean_b += window[tap] * row.b[j];
        squares += window[tap] * row.squares[j];
        product += window[tap] * row.product[j];
      }
      const double means = mean_a * mean_a + mean_b * mean_b;
      const double covariance = product - mean_a * mean_b;
      total += (2 * mean_a * mean_b + kC1) * (2 * covariance + kC2) /
               ((means + kC1) * (squares - means + kC2));  // squares - means = σa² + σb²
    }
  }
  return total / static_cast<double>(a.size());
}

std::vector<float> luma(std::span<const float> rgb) {
  if (rgb.size() % 3 != 0)
    throw Error("luma needs RGB triples, not " + std::to_string(rgb.size()) + " values");
  std::vector<float> y(rgb.size() / 3);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto r = static_cast<double>(rgb[3 * i]), g = static_cast<double>(rgb[3 * i + 1]),
               b = static_cast<double>(rgb[3 * i + 2]);
    y[i] = static_cast<float>((16 + 65.481 * r + 128.553 * g + 24.966 * b) / 255);
  }
  return y;
}

Scores score(std::span<const std::uint8_t> picture, std::span<const std::uint8_t> reference, int width,
             int height) {
  const auto rgb = to_floats(picture), wanted = to_floats(reference);
  const auto y = luma(rgb), wanted_y = luma(wanted);
  return {psnr(rgb, wanted), psnr(y, wanted_y), ssim(rgb, wanted, height, width, 3),
          ssim(y, wanted_y, height, width, 1)};
}

}  // namespace sapnet::train
