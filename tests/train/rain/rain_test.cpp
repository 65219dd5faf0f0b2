#include "train/rain/rain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/images.h"
#include "train/metrics/metrics.h"

namespace {

using sapnet::tests::flat_image;
using sapnet::train::Crop;
using sapnet::train::draw_rain;
using sapnet::train::Image;
using sapnet::train::kRainStyles;
using sapnet::train::RainOptions;
using sapnet::train::RainPair;
using sapnet::train::RainStyle;

Image add_rain(const Image& clean, float strength, std::uint64_t seed, RainStyle style = RainStyle::kSoft) {
  return draw_rain(clean, {style, strength, seed}).rainy;
}

RainStyle any_style() { return GENERATE(RainStyle::kSoft, RainStyle::kAdditive, RainStyle::kPhoto); }

Image gradient(int width, int height) {
  Image image = flat_image(width, height, 0);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<float>(i * 7 % 256) / 255;
  return image;
}

// FNV-1a over the image's bytes.
std::uint64_t fingerprint(const Image& image) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : to_bytes(image.rgb, sapnet::train::Rounding::kNearest)) {
    hash = (hash ^ byte) * 0x100000001b3;
  }
  return hash;
}

double red(const Image& image, int y, int x) {
  const int pixel = y * image.width + x;
  return static_cast<double>(image.rgb[3 * static_cast<std::size_t>(pixel)]);
}

double mean_of_columns(const Image& image, int first, int last) {
  double sum = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = first; x < last; ++x) sum += red(image, y, x);
  }
  return sum / (image.height * (last - first));
}

double mean_of_rows(const Image& image, int first, int last) {
  double sum = 0;
  for (int y = first; y < last; ++y) {
    for (int x = 0; x < image.width; ++x) sum += red(image, y, x);
  }
  return sum / ((last - first) * image.width);
}

}  // namespace

TEST_CASE("the same seed gives the same rain, on every machine", "[rain]") {
  const Image clean = gradient(96, 64);
  CHECK(add_rain(clean, 0.7F, 3).rgb == add_rain(clean, 0.7F, 3).rgb);
  CHECK(add_rain(clean, 0.7F, 3).rgb != add_rain(clean, 0.7F, 4).rgb);
  CHECK(add_rain(clean, 0.7F, 3).rgb != add_rain(clean, 0.7F, 3 + (std::uint64_t{1} << 32)).rgb);
  // Recorded values: a change means that seeds written down by users no longer give their images.
  CHECK(fingerprint(add_rain(clean, 0.2F, 1)) == 0x789d4ecce1bf57bd);
  CHECK(fingerprint(add_rain(clean, 0.7F, 2)) == 0xeb377ca5a688406e);
  CHECK(fingerprint(add_rain(clean, 1, 12345678901234567890U)) == 0x969385b7f1ef1c61);
}

TEST_CASE("additive and photo rain are the same on every machine, too", "[rain]") {
  const Image clean = gradient(96, 64);
  CHECK(fingerprint(add_rain(clean, 0.2F, 1, RainStyle::kAdditive)) == 0xd9d5fa2899da775b);
  CHECK(fingerprint(add_rain(clean, 1, 2, RainStyle::kAdditive)) == 0xdab375130378e2d2);
  CHECK(fingerprint(add_rain(clean, 0.7F, 3, RainStyle::kPhoto)) == 0xf84894f0df0304f4);
}

TEST_CASE("rain on a crop is the crop of the rain", "[rain]") {
  const RainStyle style = any_style();
  const Image clean = gradient(560, 430);  // large enough for streaks to be larger than in the crop alone
  const auto cut = [](const Image& image, const Crop& crop) {
    Image part = flat_image(crop.width, crop.height, 0);
    for (int y = 0; y < crop.height; ++y) {
      const auto* row =
          image.rgb.data() + 3 * static_cast<std::ptrdiff_t>((crop.top + y) * image.width + crop.left);
      std::copy_n(row, 3 * crop.width, part.rgb.begin() + 3 * y * crop.width);
    }
    return part;
  };
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const RainOptions options = {style, 0.9F, seed};  // strong enough for mist
    const RainPair whole = draw_rain(clean, options);
    for (const auto& [left, top] : {std::pair{0, 0}, {460, 360}, {231, 117}, {400, 3}}) {
      const Crop crop = {left, top, 100, 70};
      CAPTURE(static_cast<int>(style), seed, left, top);
      const Image needed = cut(clean, needed_crop(style, crop, 560, 430));
      const RainPair part = draw_rain(needed, crop, 560, 430, options);
      CHECK(part.rainy.rgb == cut(whole.rainy, crop).rgb);
      CHECK(part.clean.rgb == cut(whole.clean, crop).rgb);
    }
  }
}

TEST_CASE("strength 0 gives no rain, and more strength more rain", "[rain]") {
  const RainStyle style = any_style();
  const Image clean = gradient(120, 80);
  const RainPair dry = draw_rain(clean, {style, 0, 5});
  CHECK(dry.rainy.rgb == dry.clean.rgb);
  if (style == RainStyle::kPhoto) return;  // whose streaks are too faint for compression to keep their order
  CHECK(dry.clean.rgb == clean.rgb);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    double closeness = std::numeric_limits<double>::infinity();
    for (const float strength : {0.1F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F}) {
      const double now = sapnet::train::psnr(add_rain(clean, strength, seed, style).rgb, clean.rgb);
      CHECK(now < closeness);
      closeness = now;
    }
  }
}

TEST_CASE("a light shower and a downpour have plausible amounts of rain", "[rain]") {
  const Image clean = flat_image(481, 321, 0.35F);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    const double shower = sapnet::train::psnr(add_rain(clean, 0.2F, seed).rgb, clean.rgb);
    CHECK(shower > 24);
    CHECK(shower < 34);
    const double downpour = sapnet::train::psnr(add_rain(clean, 1, seed).rgb, clean.rgb);
    CHECK(downpour > 10);
    CHECK(downpour < 19);
  }
}

TEST_CASE("rain stays in [0, 1], and only mist darkens", "[rain]") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Image clean = gradient(150, 100);
    const Image shower = add_rain(clean, 0.6F, seed), downpour = add_rain(clean, 1, seed);
    for (std::size_t i = 0; i < clean.rgb.size(); ++i) {
      if (shower.rgb[i] < clean.rgb[i] || shower.rgb[i] > 1 || downpour.rgb[i] < 0 || downpour.rgb[i] > 1) {
        FAIL("seed " << seed << ", value " << i << ": " << clean.rgb[i] << " became " << shower.rgb[i]
                     << " and " << downpour.rgb[i]);
      }
    }
  }
}

TEST_CASE("additive rain adds the same light to every channel, and clips it at 1", "[rain]") {
  Image clean = gradient(150, 100);
  for (std::size_t i = 0; i < clean.rgb.size(); i += 3) clean.rgb[i] = 0.9F;  // most of the reds clip
  const Image rainy = add_rain(clean, 1, 4, RainStyle::kAdditive);
  std::size_t clipped = 0;
  double largest = 0;
  for (std::size_t i = 0; i < clean.rgb.size(); i += 3) {
    std::array<float, 3> light;
    for (std::size_t c = 0; c < 3; ++c) light[c] = rainy.rgb[i + c] - clean.rgb[i + c];
    const float most = *std::ranges::max_element(light);
    for (std::size_t c = 0; c < 3; ++c) {
      REQUIRE(light[c] >= 0);
      REQUIRE(rainy.rgb[i + c] <= 1);
      if (rainy.rgb[i + c] == 1)
        ++clipped;
      else
        largest = std::max(largest, static_cast<double>(std::abs(light[c] - most)));
    }
  }
  CHECK(clipped > 100);
  CHECK(largest < 2e-7);  // two roundings of sums below 1
}

TEST_CASE("in photo style, the camera affects the clean image too", "[rain]") {
  const Image clean = gradient(96, 80);
  double changed = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    const RainPair pair = draw_rain(clean, {RainStyle::kPhoto, 0.6F, seed});
    CHECK(pair.rainy.rgb != pair.clean.rgb);
    // Without rain the image is brighter or darker here and there; rain lies on top of that.
    const double camera = sapnet::train::psnr(pair.clean.rgb, clean.rgb);
    const double rain = sapnet::train::psnr(pair.rainy.rgb, pair.clean.rgb);
    CHECK(rain > 18);
    CHECK(rain < 45);
    changed += camera < 40 ? 1 : 0;
  }
  CHECK(changed >= 4);
}

TEST_CASE("rain keeps grey images grey, alpha and size", "[rain]") {
  const RainStyle style = any_style();
  Image clean = flat_image(40, 30, 0.3F);
  clean.grey = true;
  clean.alpha.assign(40 * 30, 0.5F);
  const Image rainy = add_rain(clean, 1, 9, style);
  CHECK(rainy.width == 40);
  CHECK(rainy.height == 30);
  CHECK(rainy.grey);
  CHECK(rainy.alpha == clean.alpha);
  bool grey = true;
  for (std::size_t i = 0; i < rainy.rgb.size(); i += 3) {
    grey = grey && rainy.rgb[i] == rainy.rgb[i + 1] && rainy.rgb[i] == rainy.rgb[i + 2];
  }
  CHECK(grey);
}

TEST_CASE("the borders get as much rain as the middle", "[rain]") {
  const RainStyle style = GENERATE(RainStyle::kSoft, RainStyle::kAdditive);
  double left = 0, right = 0, top = 0, bottom = 0, all = 0;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    const Image rainy = add_rain(flat_image(300, 300, 0), 0.5F, seed, style);
    left += mean_of_columns(rainy, 0, 30);
    right += mean_of_columns(rainy, 270, 300);
    top += mean_of_rows(rainy, 0, 30);
    bottom += mean_of_rows(rainy, 270, 300);
    all += mean_of_rows(rainy, 0, 300);
  }
  CHECK(left / all == Approx(1).epsilon(0.1));
  CHECK(right / all == Approx(1).epsilon(0.1));
  CHECK(top / all == Approx(1).epsilon(0.1));
  CHECK(bottom / all == Approx(1).epsilon(0.1));
}

TEST_CASE("rain falls downwards", "[rain]") {
  // Along a streak neighbours are alike, across it they are not.
  const RainStyle style = GENERATE(RainStyle::kSoft, RainStyle::kAdditive);
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Image rainy = add_rain(flat_image(200, 200, 0), 0.4F, seed, style);
    double down = 0, sideways = 0;
    for (int y = 1; y < 200; ++y) {
      for (int x = 1; x < 200; ++x) {
        down += std::abs(red(rainy, y, x) - red(rainy, y - 1, x));
        sideways += std::abs(red(rainy, y, x) - red(rainy, y, x - 1));
      }
    }
    CHECK(down < 0.7 * sideways);
  }
}

TEST_CASE("rain works on images of any size", "[rain]") {
  const RainStyle style = any_style();
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 200}, {200, 1}, {3, 5}, {1000, 700}}) {
    CAPTURE(width, height, static_cast<int>(style));
    const Image rainy = add_rain(flat_image(width, height, 0.5F), 1, 2, style);
    CHECK(rainy.rgb.size() == static_cast<std::size_t>(3 * width * height));
    CHECK(std::all_of(rainy.rgb.begin(), rainy.rgb.end(), [](float v) { return v >= 0 && v <= 1; }));
  }
}

TEST_CASE("a strength below zero or above one is refused", "[rain]") {
  const Image clean = flat_image(4, 4, 0.5F);
  for (const float strength : {-0.1F, 1.1F, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THROWS_AS(add_rain(clean, strength, 0), sapnet::Error);
  }
}
