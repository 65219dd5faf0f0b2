#include "train/data/rain_mix.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/images.h"
#include "tests/temp_folder.h"
#include "train/image/image.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using tests::flat_image;

/// A clean image of 20x12 pixels, and the same under a ramp of light, 3 levels a column, clipped at 255.
class Pairs : public tests::TempFolder {
 public:
  Pairs() {
    std::vector<std::uint8_t> rainy, clean;
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        for (const int base : {90, 40, 250}) {
          clean.push_back(static_cast<std::uint8_t>(base));
          rainy.push_back(static_cast<std::uint8_t>(std::min(255, base + 3 * x)));
        }
      }
    }
    write_image(*this / "rain-1.png", rainy, kWidth, kHeight, 3, 100);
    write_image(*this / "norain-1.png", clean, kWidth, kHeight, 3, 100);
  }

  RainLayers layers() const {
    RainLayers layers;
    layers.add({{*this / "rain-1.png", *this / "norain-1.png"}}, 1);
    return layers;
  }

  static constexpr int kWidth = 20, kHeight = 12;
};

TEST_CASE("rain from pairs is the difference of the images, flipped and scaled", "[rain][data]") {
  const Pairs pairs;
  const RainLayers layers = pairs.layers();
  int mirrored = 0;
  for (std::uint32_t k = 0; k < 40; ++k) {
    Rng rng(1, Stream::kPatch, k);
    const std::vector<float> light = layers.draw(8, 5, rng);
    REQUIRE(light.size() == 40);
    const float step = light[1] - light[0];  // 3 levels, times a gain of 0.7 to 1.2
    CHECK(std::abs(step) >= 0.7F * 3 / 255 * 0.999F);
    CHECK(std::abs(step) <= 1.2F * 3 / 255 * 1.001F);
    for (std::size_t i = 0; i < light.size(); ++i)
      CHECK(light[i] == Approx(light[0] + step * static_cast<float>(i % 8)).margin(1e-6));
    mirrored += step < 0 ? 1 : 0;
  }
  CHECK(mirrored > 8);
  CHECK(mirrored < 32);
}

TEST_CASE("a layer smaller than the crop is continued by reflection", "[rain][data]") {
  const Pairs pairs;
  Rng rng(3, Stream::kPatch, 0);
  const std::vector<float> light = pairs.layers().draw(50, 30, rng);
  REQUIRE(light.size() == 1500);
  float largest_step = 0;
  for (std::size_t i = 0; i + 1 < 50; ++i)
    largest_step = std::max(largest_step, std::abs(light[i + 1] - light[i]));
  CHECK(largest_step < 1.2F * 3 / 255 * 1.001F);  // no seam
}

TEST_CASE("a mix uses its kinds in proportion to their weights", "[rain][data]") {
  const Pairs pairs;
  const RainMix mix({.kinds = {{"none", 1}, {"pairs", 2}, {"additive", 1}}}, pairs.layers());
  const Image photo = flat_image(16, 10, 0.25F);
  int dry = 0, of_pairs = 0;
  constexpr int kSamples = 600;
  for (std::uint32_t k = 0; k < kSamples; ++k) {
    Rng rng(9, Stream::kPatch, k);
    const RainPair pair = mix.rain(photo, rng);
    CHECK(pair.clean.rgb == photo.rgb);
    // A ramp along rows is the pair's.
    const std::vector<float>& rgb = pair.rainy.rgb;
    const float step = rgb[3] - rgb[0];
    bool ramp = std::abs(step) > 0.005F;
    for (std::size_t x = 0; x + 1 < 16; ++x)
      ramp = ramp && std::abs(rgb[3 * x + 3] - rgb[3 * x] - step) < 1e-5F;
    dry += rgb == photo.rgb ? 1 : 0;
    of_pairs += ramp ? 1 : 0;
  }
  // Binomial: within four standard deviations, 4 · sqrt(600 · ½ · ½) = 49; no rain may also be none drawn.
  CHECK(of_pairs > kSamples / 2 - 49);
  CHECK(of_pairs < kSamples / 2 + 49);
  CHECK(dry > kSamples / 4 - 49);
}

TEST_CASE("an invalid mix is refused by name", "[rain][data]") {
  CHECK_THROWS_WITH(RainMix({.kinds = {{"hail", 1}}}, {}), Contains("'hail'"));
  CHECK_THROWS_WITH(RainMix({.kinds = {{"soft", 0}}}, {}), Contains("soft"));
  CHECK_THROWS_WITH(RainMix({.kinds = {}}, {}), Contains("the mix of rain is empty"));
  CHECK_THROWS_WITH(RainMix({.kinds = {{"pairs", 1}}}, {}), Contains("no pairs"));
  CHECK_THROWS_WITH(RainMix({.strongest = 2}, {}), Contains("strength"));
  CHECK_THROWS_WITH(RainMix({.weakest = 0.5F, .strongest = 0.4F}, {}), Contains("strength"));
}

}  // namespace
}  // namespace sapnet::train
