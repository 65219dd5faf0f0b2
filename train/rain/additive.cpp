// Rain as in the datasets Rain100L and Rain100H: a grey layer of light, added to all channels and clipped
// at 1. The layer is a sum of sublayers, each with streaks of similar length, width and brightness.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "train/rain/styles.h"

namespace sapnet::train::rain {
namespace {

// Properties of the whole image.
struct Weather {
  float amount;  // mean of the layer before clipping
  int sublayers;
  float slope;        // pixels sideways per pixel down
  float other_slope;  // of the sublayer with a second direction
  float share;        // of the amount in the second direction
  bool uneven;        // varying density
};

// Similar streaks. Lengths in pixels of an image whose shorter side is 400 or less.
struct Sublayer {
  float amount;         // its share of the layer's mean
  float slope, jitter;  // slope, and its largest deviation
  float length, width;  // of the longest streak; of all streaks
  float shortest;       // as a factor on length
  float brightness;     // of a streak's core
  float glint;          // 0: equally bright; 1: few bright, most faint
  float edge, taper;    // fall-off, as a share of the radius and of the half length
};

constexpr float kLightest = 0.035F, kSteepest = 0.36F;  // amount(strength)

Weather draw_weather(const RainOptions& options) {
  Rng rng(options.seed, Stream::kWeather, 0);
  Weather weather;
  const float strength = options.strength;
  weather.amount = strength * (kLightest + kSteepest * strength) * rng.between(0.7F, 1.2F);
  weather.sublayers = 2 + static_cast<int>(rng.below(3));
  weather.slope = rng.deviation(0.8F - 0.5F * strength);
  const bool crossed = rng.between(0, 1) < 0.3F;
  const float apart = rng.between(0.3F, 0.9F);
  weather.other_slope = weather.slope + (weather.slope > 0 ? -apart : apart);
  weather.share = crossed ? rng.between(0.15F, 0.5F) : 0;
  weather.uneven = rng.between(0, 1) < 0.5F;
  return weather;
}

float skewed_between(Rng& rng, float low, float high) {
  // Uniform in the fourth root: more short values than long ones, without a logarithm.
  const float root = rng.between(std::sqrt(std::sqrt(low)), std::sqrt(std::sqrt(high)));
  return root * root * root * root;
}

Sublayer draw_sublayer(const Weather& weather, int index, const RainOptions& options) {
  Rng rng(options.seed, Stream::kSublayer, static_cast<std::uint32_t>(index));
  const bool crossed = weather.share > 0, other = crossed && index == 0;
  Sublayer sublayer;
  sublayer.amount = other ? weather.amount * weather.share
                          : weather.amount * (1 - weather.share) /
                                static_cast<float>(weather.sublayers - (crossed ? 1 : 0));
  sublayer.slope = (other ? weather.other_slope : weather.slope) + rng.deviation(0.03F);
  sublayer.jitter = rng.between(0.005F, 0.04F);
  sublayer.length = skewed_between(rng, 20, 230);
  sublayer.width = rng.between(1.0F, 3.6F);
  sublayer.shortest = rng.between(0.3F, 0.9F);
  sublayer.brightness = rng.between(0.12F, 0.55F) * (0.5F + 0.5F * options.strength);
  sublayer.glint = rng.between(0, 1);
  sublayer.edge = rng.between(0.2F, 1);
  sublayer.taper = rng.between(0.1F, 1);
  return sublayer;
}

void draw_streaks(const Sublayer& sublayer, Stream stream, const Frame& frame, std::uint64_t seed,
                  Light& light) {
  const float scale = frame.scale();
  const float length = sublayer.length * scale, radius = std::max(0.8F, 0.5F * sublayer.width * scale);
  // An edge of at least one pixel, half of it outside, avoids aliasing.
  const float edge = std::max(sublayer.edge * radius, 1.0F), reach = radius + edge / 2;
  const float taper = std::max(sublayer.taper * length / 2, 1.0F);
  const float mean_length = length * (1 + sublayer.shortest) / 2;
  const float mean_brightness = sublayer.brightness * (1 - sublayer.glint * (1 - 1.0F / 3));
  const float light_of_one = mean_brightness * 2 * radius * std::max(1.0F, mean_length - taper);

  const Spread spread(frame, length, std::abs(sublayer.slope) + sublayer.jitter);
  const auto count = static_cast<std::uint32_t>(sublayer.amount * spread.area() / light_of_one);
  for (std::uint32_t i = 1; i <= count; ++i) {
    Rng rng(seed, stream, i);
    Streak streak;
    spread.place(rng, streak);
    set_slope(streak, sublayer.slope + rng.deviation(sublayer.jitter));
    streak.half_length = 0.5F * length * rng.between(sublayer.shortest, 1);
    streak.radius = reach;
    const float u = rng.between(0, 1);
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
  for (int i = 0; i < weather.sublayers; ++i)
    draw_streaks(draw_sublayer(weather, i, options), layer_stream(i), frame, options.seed, light);
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
