#include "train/metrics/metrics.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/reference/ssim.h"

namespace {

using sapnet::train::luma;
using sapnet::train::psnr;
using sapnet::train::ssim;

double naive_ssim(const std::vector<float>& a, const std::vector<float>& b, int height, int width,
                  int channels) {
  return sapnet::reference::ssim({1, height, width, channels}, std::vector<double>(a.begin(), a.end()),
                                 std::vector<double>(b.begin(), b.end()));
}

constexpr double kRounding = 0x1p-24;  // of a float up to 1

// Two images that Python computes identically: byte values from integer arithmetic, over 255.
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
    CHECK(ssim(a, b, h, w, c) == Approx(naive_ssim(a, b, h, w, c)).epsilon(0).margin(kRounding));
  }
}

TEST_CASE("metrics agree with PyTorch and scikit-image", "[metrics]") {
  const auto a = pattern(9 * 13 * 3, false), b = pattern(9 * 13 * 3, true);
  // torch 1.13: a depthwise conv2d of padding 5 in double; skimage 0.19: peak_signal_noise_ratio.
  CHECK(ssim(a, b, 9, 13, 3) == Approx(0.7448776160221521).epsilon(0).margin(kRounding));
  CHECK(psnr(a, b) == Approx(12.033041924991007).margin(1e-10));
}

TEST_CASE("luma matches MATLAB", "[metrics]") {
  // skimage 0.19: rgb2ycbcr.
  const auto y = luma(std::vector<float>{1, 1, 1, 0, 0, 0, 1, 0, 0, 0.2F, 0.4F, 0.6F});
  REQUIRE(y.size() == 4);
  CHECK(y[0] * 255 == Approx(235.0F));
  CHECK(y[1] * 255 == Approx(16.0F));
  CHECK(y[2] * 255 == Approx(81.481F));
  CHECK(y[3] * 255 == Approx(95.497F));
  CHECK_THROWS_AS(luma(std::vector<float>(4)), sapnet::Error);
}

TEST_CASE("equal images score infinity and one", "[metrics]") {
  const auto a = pattern(8 * 9 * 3, false);
  CHECK(psnr(a, a) == std::numeric_limits<double>::infinity());
  CHECK(ssim(a, a, 8, 9, 3) == Approx(1).epsilon(0).margin(kRounding));
  const std::vector<float> black(5 * 5), white(5 * 5, 1.0F);
  CHECK(ssim(black, black, 5, 5, 1) == Approx(1).epsilon(0).margin(kRounding));
  CHECK(ssim(white, white, 5, 5, 1) == Approx(1).epsilon(0).margin(kRounding));
}

TEST_CASE("constant images have the scores calculated by hand", "[metrics]") {
  const std::vector<float> low(31 * 31, 0.25F), high(31 * 31, 0.75F);
  CHECK(psnr(low, high) == Approx(6.020599913279624));  // 10 log10 4
  const std::vector<float> black(1), white(1, 1.0F);
  CHECK(psnr(black, white) == Approx(0).margin(1e-12));
  // Black against white: a mean is 0, so only C1 and C2 are left of the numerator.
  CHECK(ssim(black, white, 1, 1, 1) == Approx(naive_ssim(black, white, 1, 1, 1)));
  CHECK(ssim(black, white, 1, 1, 1) < 0.1);
}

TEST_CASE("images that cannot be compared are refused", "[metrics]") {
  const std::vector<float> small(12), large(27), none;
  CHECK_THROWS_WITH(psnr(small, large), Catch::Contains("12 against 27"));
  CHECK_THROWS_WITH(ssim(small, large, 2, 2, 3), Catch::Contains("12 against 27"));
  CHECK_THROWS_WITH(ssim(small, small, 3, 3, 3), Catch::Contains("12 values is not 3x3x3"));
  CHECK_THROWS_AS(psnr(none, none), sapnet::Error);
  CHECK_THROWS_AS(ssim(none, none, 0, 0, 3), sapnet::Error);
}

TEST_CASE("the mean of scores is taken per score", "[metrics]") {
  const std::array scores = {sapnet::train::Scores{30, 31, 0.5, 0.6},
                             sapnet::train::Scores{20, 25, 0.7, 0.9}};
  const sapnet::train::Scores both = sapnet::train::mean(scores);
  CHECK(both.psnr_rgb == Approx(25));
  CHECK(both.psnr_y == Approx(28));
  CHECK(both.ssim_rgb == Approx(0.6));
  CHECK(both.ssim_y == Approx(0.75));
  CHECK_THROWS_AS(sapnet::train::mean({}), sapnet::Error);
}
