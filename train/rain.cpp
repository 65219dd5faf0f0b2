// The same seed must give the same bits everywhere, so this file keeps to +, -, ×, / and √, which IEEE 754
// rounds alike on every machine, and leaves out <random>'s distributions and the trigonometric functions.
#include "train/rain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "train/draws.h"

namespace sapnet::train {
namespace {

// Streaks of one distance from the camera. Lengths are pixels of a picture whose shorter side is 400 or less.
struct Layer {
  float length;
  float width;
  float brightness;  // of a streak's core, at strength 1
  float density;     // streaks per pixel, at strength 1
};

// Far drops are many, short and thin; the near ones few, long, and blurred because they are out of focus.
constexpr std::array<Layer, 4> kLayers = {{
    {12, 0.9F, 0.32F, 0.0260F},
    {32, 1.2F, 0.62F, 0.0075F},
    {66, 1.8F, 0.72F, 0.0020F},
    {120, 4.0F, 0.30F, 0.00022F},
}};

constexpr float kLongest = 1.4F;   // of a layer's streaks, as a factor on its length
constexpr float kWobble = 0.035F;  // largest deviation of a streak's lean from its layer's

constexpr float kAdditiveGain = 0.6F;  // as bright as screened streaks are on a middle grey

// What streaks add to a crop of the picture, whose first pixel is the picture's (left, top).
struct Light {
  int left, top, width, height;
  std::vector<float> values;  // (height, width)
};

// What the whole picture shares.
struct Weather {
  float lean;      // of the streaks: pixels sideways per pixel downwards
  float shutter;   // factor on lengths: a longer exposure draws longer and fainter streaks
  bool additive;   // light adds up and clips; otherwise it is screened, which bright places show less
  float veil;      // share of mist in front of everything, 0 to 1
  float airlight;  // brightness of that mist
};

struct Streak {
  float x, y;              // middle
  float along_x, along_y;  // unit vector along the fall
  float half_length, radius, brightness;
};

Weather draw_weather(float strength, std::uint64_t seed) {
  Draws draws(seed, Stream::kWeather, 0);
  Weather weather;
  weather.lean = draws.deviation(0.6F);
  weather.shutter = draws.between(0.7F, 1.4F);
  weather.additive = draws.between(0, 1) < 0.4F;
  weather.veil = std::max(0.0F, strength - 0.6F) * draws.between(0, 0.8F);
  weather.airlight = draws.between(0.65F, 0.85F);
  return weather;
}

// Adds one streak to the light of the layer. Its profile across and along is smooth and ends at zero, which
// is what keeps it free of jagged edges and gives it the tapered ends of a drop smeared by motion.
void draw_streak(const Streak& streak, Light& light) {
  const float reach_x = std::abs(streak.along_x) * streak.half_length + streak.radius;
  const float reach_y = streak.along_y * streak.half_length + streak.radius;
  const int top = std::max(light.top, static_cast<int>(std::floor(streak.y - reach_y)));
  const int bottom = std::min(light.top + light.height - 1, static_cast<int>(std::ceil(streak.y + reach_y)));
  for (int y = top; y <= bottom; ++y) {
    const float dy = static_cast<float>(y) - streak.y;
    const float axis = streak.x + dy * streak.along_x / streak.along_y;
    const float span = streak.radius / streak.along_y;
    const int left =
        std::max(light.left, static_cast<int>(std::floor(std::max(axis - span, streak.x - reach_x))));
    const int right = std::min(light.left + light.width - 1,
                               static_cast<int>(std::ceil(std::min(axis + span, streak.x + reach_x))));
    float* row =
        light.values.data() + static_cast<std::size_t>(y - light.top) * static_cast<std::size_t>(light.width);
    for (int x = left; x <= right; ++x) {
      const float dx = static_cast<float>(x) - streak.x;
      const float along = (dx * streak.along_x + dy * streak.along_y) / streak.half_length;
      const float across = (dx * streak.along_y - dy * streak.along_x) / streak.radius;
      const float taper = std::max(0.0F, 1 - along * along);
      const float profile = std::max(0.0F, 1 - across * across);
      row[x - light.left] += streak.brightness * taper * profile * profile;
    }
  }
}

void draw_layer(const Layer& layer, Stream stream, const Weather& weather, float strength, const Frame& frame,
                std::uint64_t seed, Light& light) {
  const float scale = std::max(1.0F, static_cast<float>(std::min(frame.width, frame.height)) / 400);
  const float length = layer.length * scale * weather.shutter * (0.7F + 0.3F * strength);
  const float brightness = layer.brightness * (0.55F + 0.45F * strength) / std::sqrt(weather.shutter);
  // The gusts of a downpour tilt each layer its own way.
  const float lean = weather.lean + Draws(seed, stream, 0).deviation(0.04F + 0.2F * strength * strength);
  // Streaks that only reach into the picture are drawn too, or its edges would be drier than its middle.
  const float margin_y = kLongest * length / 2;
  const float margin_x = margin_y * (std::abs(lean) + kWobble);
  const auto width = static_cast<float>(frame.width), height = static_cast<float>(frame.height);
  const float area = (width + 2 * margin_x) * (height + 2 * margin_y);
  const auto count = static_cast<std::uint32_t>(layer.density * strength * area / (scale * scale));
  for (std::uint32_t i = 1; i <= count; ++i) {
    Draws draws(seed, stream, i);
    Streak streak;
    streak.x = draws.between(-margin_x, width + margin_x);
    streak.y = draws.between(-margin_y, height + margin_y);
    const float slope = lean + draws.deviation(kWobble);
    streak.along_y = 1 / std::sqrt(1 + slope * slope);
    streak.along_x = slope * streak.along_y;
    streak.half_length = 0.5F * length * draws.between(0.6F, kLongest);
    const float thickness = layer.width * scale * draws.between(0.7F, 1.3F);
    // Thinner than a pixel means fainter, not narrower: that is all a sensor can show of it.
    streak.radius = std::max(1.0F, thickness);
    const float glint = draws.between(0, 1);  // few drops catch much light
    streak.brightness = brightness * (0.35F + 0.95F * glint * glint) * (thickness / streak.radius);
    draw_streak(streak, light);
  }
}

// Density of mist over the crop, (height, width), 0.5 to 1: drifts as large as a third of the picture.
std::vector<float> draw_mist(std::uint64_t seed, const Frame& frame, int width, int height) {
  constexpr int kCells = 3;
  std::array<std::array<float, kCells + 1>, kCells + 1> corners;
  for (int i = 0; i <= kCells; ++i) {
    for (int j = 0; j <= kCells; ++j) {
      corners[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] =
          Draws(seed, Stream::kMist, static_cast<std::uint32_t>(i * (kCells + 1) + j)).between(0.5F, 1);
    }
  }
  const auto locate = [](int position, int size) {
    const float cell = (static_cast<float>(position) + 0.5F) * kCells / static_cast<float>(size);
    const auto first = std::min(static_cast<std::size_t>(cell), std::size_t{kCells - 1});
    const float t = cell - static_cast<float>(first);
    return std::pair(first, t * t * (3 - 2 * t));
  };
  std::vector<float> mist;
  mist.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    const auto [i, ty] = locate(frame.top + y, frame.height);
    for (int x = 0; x < width; ++x) {
      const auto [j, tx] = locate(frame.left + x, frame.width);
      const float upper = corners[i][j] + tx * (corners[i][j + 1] - corners[i][j]);
      const float lower = corners[i + 1][j] + tx * (corners[i + 1][j + 1] - corners[i + 1][j]);
      mist.push_back(upper + ty * (lower - upper));
    }
  }
  return mist;
}

}  // namespace

Image add_rain(Image image, float strength, std::uint64_t seed) {
  const Frame whole = {image.width, image.height, 0, 0};
  return add_rain(std::move(image), whole, strength, seed);
}

Image add_rain(Image crop, const Frame& frame, float strength, std::uint64_t seed) {
  if (!(strength >= 0 && strength <= 1)) {
    throw Error("strength of rain must lie between 0 and 1, not be " + std::to_string(strength));
  }
  const Weather weather = draw_weather(strength, seed);
  if (weather.veil > 0) {
    const std::vector<float> mist = draw_mist(seed, frame, crop.width, crop.height);
    for (std::size_t i = 0; i < crop.rgb.size(); ++i) {
      crop.rgb[i] += weather.veil * mist[i / 3] * (weather.airlight - crop.rgb[i]);
    }
  }

  Light light = {frame.left, frame.top, crop.width, crop.height, std::vector<float>(crop.rgb.size() / 3)};
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    const auto stream = static_cast<Stream>(static_cast<std::size_t>(Stream::kLayer) + i);
    draw_layer(kLayers[i], stream, weather, strength, frame, seed, light);
  }
  for (std::size_t i = 0; i < crop.rgb.size(); ++i) {
    const float streaks = std::min(1.0F, light.values[i / 3]);
    const float headroom = weather.additive ? kAdditiveGain : 1 - crop.rgb[i];
    crop.rgb[i] = std::min(1.0F, crop.rgb[i] + streaks * headroom);
  }
  return crop;
}

}  // namespace sapnet::train
