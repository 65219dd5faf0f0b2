// Tapered streaks in four layers, from many short thin ones far away to few long blurred ones nearby, and
// mist over everything in a downpour.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "train/rain/styles.h"

namespace sapnet::train::rain {
namespace {

// Streaks at one distance from the camera. Lengths are pixels of an image whose shorter side is 400 or less.
struct Layer {
  float length;
  float width;
  float brightness;  // of a streak's core, at strength 1
  float density;     // streaks per pixel, at strength 1
};

// Many short, thin streaks far away; few long ones out of focus nearby.
constexpr std::array<Layer, 4> kLayers = {{
    {12, 0.9F, 0.32F, 0.0260F},
    {32, 1.2F, 0.62F, 0.0075F},
    {66, 1.8F, 0.72F, 0.0020F},
    {120, 4.0F, 0.30F, 0.00022F},
}};

constexpr float kLongest = 1.4F;   // longest streak of a layer, relative to its length
constexpr float kJitter = 0.035F;  // largest deviation of a streak's slope from its layer's

constexpr float kAdditiveGain = 0.6F;  // the brightness of screened streaks on mid-grey

// Properties of the whole image.
struct Weather {
  float slope;     // of the streaks: pixels sideways per pixel down
  float exposure;  // exposure: a factor on lengths; longer streaks are fainter
  bool additive;   // add and clip; otherwise screen, which shows less on bright areas
  float veil;      // opacity of the mist, 0 to 1
  float airlight;  // brightness of that mist
};

Weather draw_weather(const RainOptions& options) {
  Rng rng(options.seed, Stream::kWeather, 0);
  Weather weather;
  weather.slope = rng.deviation(0.6F);
  weather.exposure = rng.between(0.7F, 1.4F);
  weather.additive = rng.between(0, 1) < 0.4F;
  weather.veil = std::max(0.0F, options.strength - 0.6F) * rng.between(0, 0.8F);
  weather.airlight = rng.between(0.65F, 0.85F);
  return weather;
}

// Smooth in both directions and zero at the ends: no jagged edges, and the tapered ends of motion blur.
float soft_profile(float along, float across) {
  const float taper = std::max(0.0F, 1 - along * along);
  const float profile = std::max(0.0F, 1 - across * across);
  return taper * profile * profile;
}

void draw_layer(const Layer& layer, Stream stream, const Weather& weather, const Frame& frame,
                const RainOptions& options, Light& light) {
  const float scale = frame.scale(), strength = options.strength;
  const float length = layer.length * scale * weather.exposure * (0.7F + 0.3F * strength);
  const float brightness = layer.brightness * (0.55F + 0.45F * strength) / std::sqrt(weather.exposure);
  // Gusts in a downpour tilt each layer differently.
  const float slope =
      weather.slope + Rng(options.seed, stream, 0).deviation(0.04F + 0.2F * strength * strength);
  const Spread spread(frame, kLongest * length, std::abs(slope) + kJitter);
  const auto count = static_cast<std::uint32_t>(layer.density * strength * spread.area() / (scale * scale));
  for (std::uint32_t i = 1; i <= count; ++i) {
    Rng rng(options.seed, stream, i);
    Streak streak;
    spread.place(rng, streak);
    set_slope(streak, slope + rng.deviation(kJitter));
    streak.half_length = 0.5F * length * rng.between(0.6F, kLongest);
    const float thickness = layer.width * scale * rng.between(0.7F, 1.3F);
    // Thinner than a pixel means fainter, not narrower, as on a sensor.
    streak.radius = std::max(1.0F, thickness);
    const float glint = rng.between(0, 1);  // few drops are bright
    streak.brightness = brightness * (0.35F + 0.95F * glint * glint) * (thickness / streak.radius);
    draw_streak(streak, soft_profile, light);
  }
}

}  // namespace

RainPair draw_soft(Image image, const Frame& frame, const RainOptions& options) {
  RainPair pair = {image, std::move(image)};
  std::vector<float>& rgb = pair.rainy.rgb;
  const Weather weather = draw_weather(options);
  if (weather.veil > 0)
    add_haze(rgb, smooth_field(options.seed, frame, 0.5F, 1), weather.veil, weather.airlight);

  Light light(frame.crop);
  for (std::size_t i = 0; i < kLayers.size(); ++i)
    draw_layer(kLayers[i], layer_stream(i), weather, frame, options, light);
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    const float streaks = std::min(1.0F, light.values[i / 3]);
    const float headroom = weather.additive ? kAdditiveGain : 1 - rgb[i];
    rgb[i] = std::min(1.0F, rgb[i] + streaks * headroom);
  }
  return pair;
}

}  // namespace sapnet::train::rain
