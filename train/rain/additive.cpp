// Rain as benchmarks such as Rain100L and Rain100H have it: a grey layer of light, added to all channels
// alike and clipped at 1. The layer is a sum of sublayers, each of streaks that are alike in length, width
// and brightness.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "train/rain/styles.h"

namespace sapnet::train::rain {
namespace {

// What the whole image shares.
struct Weather {
  float amount;  // mean of the layer, if nothing clipped
  int sublayers;
  float lean;        // pixels sideways per pixel downwards
  float other_lean;  // of the sublayers that fall in a second direction
  float share;       // of the amount that falls in the second direction
  bool uneven;       // denser here than there
};

// Streaks that are alike. Lengths are pixels of an image whose shorter side is 400 or less.
struct Sublayer {
  float amount;         // its part of the layer's mean
  float lean, wobble;   // and the largest deviation of a streak's lean
  float length, width;  // of the longest streak; of every streak
  float shortest;       // as a factor on length
  float brightness;     // of a streak's core
  float glint;          // 0: all are as bright as another; 1: few are bright, most are faint
  float edge, taper;    // share of the radius and of the half length over which brightness falls to zero
};

constexpr float kLightest = 0.035F, kSteepest = 0.36F;  // amount(strength)

Weather draw_weather(const RainOptions& options) {
  Draws draws(options.seed, Stream::kWeather, 0);
  Weather weather;
  const float strength = options.strength;
  weather.amount = strength * (kLightest + kSteepest * strength) * draws.between(0.7F, 1.2F);
  weather.sublayers = 2 + static_cast<int>(draws.below(3));
  weather.lean = draws.deviation(0.8F - 0.5F * strength);
  const bool crossed = draws.between(0, 1) < 0.3F;
  const float apart = draws.between(0.3F, 0.9F);
  weather.other_lean = weather.lean + (weather.lean > 0 ? -apart : apart);
  weather.share = crossed ? draws.between(0.15F, 0.5F) : 0;
  weather.uneven = draws.between(0, 1) < 0.5F;
  return weather;
}

float log_between(Draws& draws, float low, float high) {
  // Between low and high by squares of their square roots: more short ones than long ones, without a
  // logarithm.
  const float root = draws.between(std::sqrt(std::sqrt(low)), std::sqrt(std::sqrt(high)));
  return root * root * root * root;
}

Sublayer draw_sublayer(const Weather& weather, int index, const RainOptions& options) {
  Draws draws(options.seed, Stream::kSublayer, static_cast<std::uint32_t>(index));
  const bool other = weather.share > 0 && index == 0;
  Sublayer sublayer;
  sublayer.amount = weather.share > 0 && index > 0
                        ? weather.amount * (1 - weather.share) / static_cast<float>(weather.sublayers - 1)
                    : other ? weather.amount * weather.share
                            : weather.amount / static_cast<float>(weather.sublayers);
  sublayer.lean = (other ? weather.other_lean : weather.lean) + draws.deviation(0.03F);
  sublayer.wobble = draws.between(0.005F, 0.04F);
  sublayer.length = log_between(draws, 20, 230);
  sublayer.width = draws.between(1.0F, 3.6F);
  sublayer.shortest = draws.between(0.3F, 0.9F);
  sublayer.brightness = draws.between(0.12F, 0.55F) * (0.5F + 0.5F * options.strength);
  sublayer.glint = draws.between(0, 1);
  sublayer.edge = draws.between(0.2F, 1);
  sublayer.taper = draws.between(0.1F, 1);
  return sublayer;
}

void draw_streaks(const Sublayer& sublayer, Stream stream, const Frame& frame, std::uint64_t seed,
                  Light& light) {
  const float scale = frame.scale();
  const float length = sublayer.length * scale, radius = std::max(0.8F, 0.5F * sublayer.width * scale);
  // At least a pixel for the edge, which keeps it from being jagged: half of it outside.
  const float edge = std::max(sublayer.edge * radius, 1.0F), reach = radius + edge / 2;
  const float taper = std::max(sublayer.taper * length / 2, 1.0F);
  const float mean_length = length * (1 + sublayer.shortest) / 2;
  const float mean_brightness = sublayer.brightness * (1 - sublayer.glint * (1 - 1.0F / 3));
  const float light_of_one = mean_brightness * 2 * radius * std::max(1.0F, mean_length - taper);

  const Spread spread(frame, length, std::abs(sublayer.lean) + sublayer.wobble);
  const auto count = static_cast<std::uint32_t>(sublayer.amount * spread.area() / light_of_one);
  for (std::uint32_t i = 1; i <= count; ++i) {
    Draws draws(seed, stream, i);
    Streak streak;
    spread.place(draws, streak);
    lean(streak, sublayer.lean + draws.deviation(sublayer.wobble));
    streak.half_length = 0.5F * length * draws.between(sublayer.shortest, 1);
    streak.radius = reach;
    const float u = draws.between(0, 1);
    streak.brightness = sublayer.brightness * (1 - sublayer.glint * (1 - u * u));
    const float slope_across = reach / edge, slope_along = streak.half_length / taper;
    draw_streak(
        streak,
        [&](float along, float across) {
          const float in_length = std::clamp((1 - std::abs(along)) * slope_along, 0.0F, 1.0F);
          const float in_width = std::clamp((1 - std::abs(across)) * slope_across, 0.0F, 1.0F);
          return in_length * in_width;
        },
        light);
  }
}

}  // namespace

RainPair draw_additive(Image image, const Frame& frame, const RainOptions& options) {
  const Weather weather = draw_weather(options);
  Light light(frame.crop);
  for (int i = 0; i < weather.sublayers; ++i) {
    const auto stream = static_cast<Stream>(static_cast<int>(Stream::kLayer) + i);
    draw_streaks(draw_sublayer(weather, i, options), stream, frame, options.seed, light);
  }
  if (weather.uneven) {
    const std::vector<float> field = smooth_field(options.seed, frame, 0.4F, 1);
    for (std::size_t i = 0; i < field.size(); ++i) light.values[i] *= field[i];
  }
  RainPair pair = {image, std::move(image)};
  std::vector<float>& rgb = pair.rainy.rgb;
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = std::min(1.0F, rgb[i] + light.values[i / 3]);
  return pair;
}

}  // namespace sapnet::train::rain
