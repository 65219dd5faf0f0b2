#include "train/rain/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <set>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/images.h"
#include "train/rain/rain.h"
#include "train/rain/rng.h"

namespace sapnet::train {
namespace {

using tests::flat_image;

/// Adds light(x, y) to all channels.
template <class LightAt>
Image under(Image image, const LightAt& light) {
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c) {
        float& value = image.rgb[static_cast<std::size_t>(3 * (y * image.width + x) + c)];
        value = std::min(1.0F, value + light(x, y));
      }
  return image;
}

TEST_CASE("mean, coverage and levels of a known layer", "[rain]") {
  const Image clean = flat_image(40, 30, 0.2F);
  // A quarter of the columns at 51 levels, the rest dry.
  const std::set<int> wet = {0, 1, 4, 9, 11, 13, 16, 19, 24, 35};
  const auto s = rain_statistics(under(clean, [&](int x, int) { return wet.contains(x) ? 0.2F : 0; }), clean);
  CHECK(s.mean == Approx(0.05));
  CHECK(s.coverage == Approx(0.25));
  CHECK(s.bins[0] == Approx(0.75));
  CHECK(s.bins[3] == Approx(0.25));  // 32 to 63
  CHECK(s.along[4] == Approx(1));    // columns do not end
}

TEST_CASE("pixels where every channel is clipped do not count", "[rain]") {
  Image clean = flat_image(40, 30, 0.2F);
  for (std::size_t i = 0; i < clean.rgb.size() / 2; ++i) clean.rgb[i] = 0.95F;  // the upper half
  const auto s = rain_statistics(under(clean, [](int, int) { return 0.3F; }), clean);
  CHECK(s.mean == Approx(0.3));
  CHECK(s.coverage == 1);
  CHECK_THROWS_AS(rain_statistics(flat_image(4, 4, 1), flat_image(4, 4, 0.5F)), Error);
  CHECK_THROWS_AS(rain_statistics(flat_image(4, 4, 1), flat_image(4, 5, 0.5F)), Error);
}

TEST_CASE("the direction of streaks is found, and whether there are two", "[rain]") {
  const Image clean = flat_image(240, 200, 0);
  const auto stripes = [](double degrees) {
    const double x = std::cos(degrees * std::numbers::pi / 180),
                 y = -std::sin(degrees * std::numbers::pi / 180);
    return [=](int column, int row) {  // at random distances, along the direction
      const int place = static_cast<int>(std::floor(column * x + row * y)) + 1000;
      return Rng(1, Stream::kPatch, static_cast<std::uint32_t>(place)).below(5) == 0 ? 0.3F : 0.0F;
    };
  };
  for (const double degrees : {-35.0, 0.0, 20.0}) {
    const auto s = rain_statistics(under(clean, stripes(degrees)), clean);
    CAPTURE(degrees);
    CHECK(std::abs(s.direction - degrees) <= 3);
    CHECK(s.directions == 1);
  }
  const auto first = stripes(-25), second = stripes(25);
  const auto s =
      rain_statistics(under(clean, [&](int x, int y) { return first(x, y) + second(x, y); }), clean);
  CHECK(s.directions == 2);
}

// The spread of 23 pairs of heavy and 200 of light rain in the style of Rain100H and Rain100L, as
// `sapnet-rain --measure` gives it (docs/rain.md). Medians of synthetic rain lie within it.
TEST_CASE("additive rain lies within the spread of the benchmarks' rain", "[rain]") {
  const auto median_of = [](float strength, double (*value)(const RainStatistics&)) {
    std::vector<double> values;
    for (std::uint64_t seed = 1; seed <= 9; ++seed) {
      const Image clean = flat_image(241, 161, 0.3F);
      values.push_back(
          value(rain_statistics(draw_rain(clean, {RainStyle::kAdditive, strength, seed}).rainy, clean)));
    }
    std::ranges::sort(values);
    return values[values.size() / 2];
  };
  const auto mean = [](const RainStatistics& s) { return s.mean; };
  const auto coverage = [](const RainStatistics& s) { return s.coverage; };
  const auto along_10 = [](const RainStatistics& s) { return s.along[3]; };
  const auto across_2 = [](const RainStatistics& s) { return s.across[1]; };
  struct Bounds {
    float strength;
    double mean_low, mean_high, coverage_low, coverage_high, along_low, along_high, across_low, across_high;
  };
  for (const Bounds& b : {Bounds{0.2F, 0.006, 0.050, 0.17, 0.53, 0.31, 0.80, 0.02, 0.37},
                          Bounds{0.7F, 0.026, 0.333, 0.52, 0.983, 0.26, 0.79, 0.05, 0.30}}) {
    CAPTURE(b.strength);
    CHECK((median_of(b.strength, mean) > b.mean_low && median_of(b.strength, mean) < b.mean_high));
    CHECK((median_of(b.strength, coverage) > b.coverage_low &&
           median_of(b.strength, coverage) < b.coverage_high));
    CHECK((median_of(b.strength, along_10) > b.along_low && median_of(b.strength, along_10) < b.along_high));
    CHECK(
        (median_of(b.strength, across_2) > b.across_low && median_of(b.strength, across_2) < b.across_high));
  }
}

}  // namespace
}  // namespace sapnet::train
