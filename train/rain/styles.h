// Code shared by the rain styles. Internal to train/rain.
//
// Equal seeds must give equal bits everywhere, so these files use only +, -, *, / and sqrt, which IEEE 754
// rounds correctly, and avoid <random>'s distributions and trigonometric functions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "train/rain/rain.h"
#include "train/rain/rng.h"

namespace sapnet::train::rain {

/// The crop to draw, and the size of the whole image.
struct Frame {
  Crop crop;
  int width, height;

  /// Scale of streaks: 1 up to a shorter side of 400 pixels, then proportional to it.
  float scale() const { return std::max(1.0F, static_cast<float>(std::min(width, height)) / 400); }
};

/// Light that streaks add to a crop: (height, width).
struct Light {
  Crop crop;
  std::vector<float> values;

  explicit Light(const Crop& area)
      : crop(area), values(static_cast<std::size_t>(area.width) * static_cast<std::size_t>(area.height)) {}
};

struct Streak {
  float x, y;              // centre
  float along_x, along_y;  // unit vector along the direction of fall
  float half_length, radius, brightness;
};

/// Adds one streak to the light. profile(along, across) is its relative brightness as a function of the
/// distances from its centre in units of half_length and radius; it must be 0 beyond 1.
template <class Profile>
void draw_streak(const Streak& streak, const Profile& profile, Light& light) {
  const Crop& crop = light.crop;
  const float reach_x = std::abs(streak.along_x) * streak.half_length + streak.radius;
  const float reach_y = streak.along_y * streak.half_length + streak.radius;
  const int top = std::max(crop.top, static_cast<int>(std::floor(streak.y - reach_y)));
  const int bottom = std::min(crop.top + crop.height - 1, static_cast<int>(std::ceil(streak.y + reach_y)));
  for (int y = top; y <= bottom; ++y) {
    const float dy = static_cast<float>(y) - streak.y;
    const float axis = streak.x + dy * streak.along_x / streak.along_y;
    const float span = streak.radius / streak.along_y;
    const int left =
        std::max(crop.left, static_cast<int>(std::floor(std::max(axis - span, streak.x - reach_x))));
    const int right = std::min(crop.left + crop.width - 1,
                               static_cast<int>(std::ceil(std::min(axis + span, streak.x + reach_x))));
    float* row =
        light.values.data() + static_cast<std::size_t>(y - crop.top) * static_cast<std::size_t>(crop.width);
    for (int x = left; x <= right; ++x) {
      const float dx = static_cast<float>(x) - streak.x;
      const float along = (dx * streak.along_x + dy * streak.along_y) / streak.half_length;
      const float across = (dx * streak.along_y - dy * streak.along_x) / streak.radius;
      row[x - crop.left] += streak.brightness * profile(along, across);
    }
  }
}

/// The area in which streaks are placed: the image plus a margin, so that its edges get as much rain as the
/// middle.
struct Spread {
  float margin_x, margin_y;
  float width, height;  // image size

  /// longest: maximum length of streaks in pixels; slope: maximum slope, in pixels sideways per pixel down.
  Spread(const Frame& frame, float longest, float slope)
      : margin_x(longest / 2 * slope),
        margin_y(longest / 2),
        width(static_cast<float>(frame.width)),
        height(static_cast<float>(frame.height)) {}

  float area() const { return (width + 2 * margin_x) * (height + 2 * margin_y); }

  void place(Rng& rng, Streak& streak) const {
    streak.x = rng.between(-margin_x, width + margin_x);
    streak.y = rng.between(-margin_y, height + margin_y);
  }
};

inline void set_slope(Streak& streak, float slope) {
  streak.along_y = 1 / std::sqrt(1 + slope * slope);
  streak.along_x = slope * streak.along_y;
}

/// A smooth random field over the image, restricted to the crop: (height, width), values from `low` to
/// `high`, with features of a third of the image.
std::vector<float> smooth_field(std::uint64_t seed, const Frame& frame, float low, float high);

/// Adds haze of brightness `airlight` to (height, width, 3) values: its opacity is `most` times `field`,
/// (height, width).
void add_haze(std::vector<float>& rgb, const std::vector<float>& field, float most, float airlight);

/// The random numbers of a layer of streaks, counted from 0.
constexpr Stream layer_stream(std::integral auto layer) {
  return static_cast<Stream>(static_cast<std::uint32_t>(Stream::kLayer) + static_cast<std::uint32_t>(layer));
}

// The styles; `image` is the part of the image in frame.crop.
RainPair draw_soft(Image image, const Frame& frame, const RainOptions& options);
RainPair draw_additive(Image image, const Frame& frame, const RainOptions& options);
RainPair draw_photo(Image image, const Frame& frame, const RainOptions& options);

}  // namespace sapnet::train::rain
