#include "train/metrics.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "engine/error.h"

namespace {

using sapnet::train::luma;
using sapnet::train::psnr;
using sapnet::train::ssim;

// The definition as it is written: a two-dimensional window at every pixel of every channel, and central
// moments instead of differences of raw ones.
double naive_ssim(const std::vector<float>& a, const std::vector<float>& b, int height, int width,
                  int channels) {
  double window[11][11], sum = 0;
  for (int i = 0; i < 11; ++i) {
    for (int j = 0; j < 11; ++j) {
      window[i][j] = std::exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
      sum += window[i][j];
    }
  }
  const auto at = [&](const std::vector<float>& x, int y, int xx, int c) {
    if (y < 0 || y >= height || xx < 0 || xx >= width) return 0.0;
    return static_cast<double>(x[static_cast<std::size_t>((y * width + xx) * channels + c)]);
  };
  double total = 0;
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        double mean_a = 0, mean_b = 0, var_a = 0, var_b = 0, covariance = 0;
        for (int i = 0; i < 11; ++i) {
          for (int j = 0; j < 11; ++j) {
            mean_a += window[i][j] / sum * at(a, y + i - 5, x + j - 5, c);
            mean_b += window[i][j] / sum * at(b, y + i - 5, x + j - 5, c);
          }
        }
        for (int i = 0; i < 11; ++i) {
          for (int j = 0; j < 11; ++j) {
            const double da = at(a, y + i - 5, x + j - 5, c) - mean_a;
            const double db = at(b, y + i - 5, x + j - 5, c) - mean_b;
            var_a += window[i][j] / sum * da * da;
            var_b += window[i][j] / sum * db * db;
            covariance += window[i][j] / sum * da * db;
          }
        }
        total += (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4) /
                 ((mean_a * mean_a + mean_b * mean_b + 1e-4) * (var_a + var_b + 9e-4));
      }
    }
  }
  return total / (height * width * channels);
}

// Two pictures that Python computes alike: byte values from integer arithmetic, over 255.
std::vector<float> pattern(int size, bool disturbed) {
  std::vector<float> values;
  for (int i = 0; i < size; ++i) {
    values.push_back(static_cast<float>((i * 37 + 11 + (disturbed ? (i * i) % 41 : 0)) % 256) / 255.0F);
  }
  return values;
}

}  // namespace

TEST_CASE("ssim agrees with the definition written as double loops", "[metrics]") {
  struct Shape {
    int height, width, channels;
  };
  for (const auto& [h, w, c] : {Shape{1, 1, 3}, Shape{1, 17, 1}, Shape{17, 1, 3}, Shape{4, 5, 3},
                                Shape{13, 11, 1}, Shape{23, 31, 3}}) {
    CAPTURE(h, w, c);
    const auto a = pattern(h * w * c, false), b = pattern(h * w * c, true);
    // 121 terms of at most 1 lose about 121 ε to cancellation, and the quotient by C2 magnifies that by 1 /
    // C2.
    CHECK(ssim(a, b, h, w, c) == Approx(naive_ssim(a, b, h, w, c)).margin(121 * 2.2e-16 / 9e-4));
  }
}

TEST_CASE("metrics agree with PyTorch and scikit-image", "[metrics]") {
  const auto a = pattern(9 * 13 * 3, false), b = pattern(9 * 13 * 3, true);
  // torch 1.13: a depthwise conv2d of padding 5 in double; skimage 0.19: peak_signal_noise_ratio.
  CHECK(ssim(a, b, 9, 13, 3) == Approx(0.7448776160221521).margin(1e-10));
  CHECK(psnr(a, b) == Approx(12.033041924991007).margin(1e-10));
}

TEST_CASE("luma is MATLAB's", "[metrics]") {
  // skimage 0.19: rgb2ycbcr.
  const auto y = luma(std::vector<float>{1, 1, 1, 0, 0, 0, 1, 0, 0, 0.2F, 0.4F, 0.6F});
  REQUIRE(y.size() == 4);
  CHECK(y[0] * 255 == Approx(235.0F));
  CHECK(y[1] * 255 == Approx(16.0F));
  CHECK(y[2] * 255 == Approx(81.481F));
  CHECK(y[3] * 255 == Approx(95.497F));
  CHECK_THROWS_AS(luma(std::vector<float>(4)), sapnet::Error);
}

TEST_CASE("equal pictures score infinity and one", "[metrics]") {
  const auto a = pattern(8 * 9 * 3, false);
  CHECK(psnr(a, a) == std::numeric_limits<double>::infinity());
  CHECK(ssim(a, a, 8, 9, 3) == Approx(1).margin(1e-12));
  const std::vector<float> black(5 * 5), white(5 * 5, 1.0F);
  CHECK(ssim(black, black, 5, 5, 1) == Approx(1).margin(1e-12));
  CHECK(ssim(white, white, 5, 5, 1) == Approx(1).margin(1e-12));
}

TEST_CASE("constant pictures score what paper and pencil give", "[metrics]") {
  const std::vector<float> low(31 * 31, 0.25F), high(31 * 31, 0.75F);
  CHECK(psnr(low, high) == Approx(6.020599913279624));  // 10 log10 4
  const std::vector<float> black(1), white(1, 1.0F);
  CHECK(psnr(black, white) == Approx(0).margin(1e-12));
  // Black against white: a mean is 0, so only C1 and C2 are left of the numerator.
  CHECK(ssim(black, white, 1, 1, 1) == Approx(naive_ssim(black, white, 1, 1, 1)));
  CHECK(ssim(black, white, 1, 1, 1) < 0.1);
}

TEST_CASE("pictures that cannot be compared are refused", "[metrics]") {
  const std::vector<float> small(12), large(27), none;
  CHECK_THROWS_WITH(psnr(small, large), Catch::Contains("12 against 27"));
  CHECK_THROWS_WITH(ssim(small, large, 2, 2, 3), Catch::Contains("12 against 27"));
  CHECK_THROWS_WITH(ssim(small, small, 3, 3, 3), Catch::Contains("12 values is not 3x3x3"));
  CHECK_THROWS_AS(psnr(none, none), sapnet::Error);
  CHECK_THROWS_AS(ssim(none, none, 0, 0, 3), sapnet::Error);
}
