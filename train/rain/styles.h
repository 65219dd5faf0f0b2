// What the styles of rain share. Only train/rain includes this.
//
// The same seed must give the same bits everywhere, so these files keep to +, -, *, / and sqrt, which IEEE
// 754 rounds alike on every machine, and leave out <random>'s distributions and the trigonometric functions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "train/draws.h"
#include "train/rain/rain.h"

namespace sapnet::train::rain {

/// The crop that is drawn, and the size of the image that it is cut from.
struct Frame {
  Crop crop;
  int width, height;

  /// Of streaks: they have the size of an image whose shorter side is 400 pixels or less.
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
  float x, y;              // its middle
  float along_x, along_y;  // unit vector along the fall
  float half_length, radius, brightness;
};

/// Adds one streak to the light. profile(along, across): its brightness where these are the distances from
/// its middle over half_length and radius; 0 from 1 on.
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

/// Where streaks begin whose drawing must not make an image's edges drier than its middle.
struct Spread {
  float margin_x, margin_y;
  float width, height;  // of the image

  /// For streaks of up to `longest` pixels that lean by up to `lean` pixels sideways per pixel downwards.
  Spread(const Frame& frame, float longest, float lean)
      : margin_x(longest / 2 * lean),
        margin_y(longest / 2),
        width(static_cast<float>(frame.width)),
        height(static_cast<float>(frame.height)) {}

  float area() const { return (width + 2 * margin_x) * (height + 2 * margin_y); }

  void place(Draws& draws, Streak& streak) const {
    streak.x = draws.between(-margin_x, width + margin_x);
    streak.y = draws.between(-margin_y, height + margin_y);
  }
};

inline void lean(Streak& streak, float slope) {
  streak.along_y = 1 / std::sqrt(1 + slope * slope);
  streak.along_x = slope * streak.along_y;
}

/// A smooth random field over the image, seen in the crop: (height, width), values from `low` to `high`,
/// drifts as large as a third of the image.
std::vector<float> smooth_field(std::uint64_t seed, const Frame& frame, float low, float high);

// The styles: `image` is the crop of the frame.
RainPair draw_soft(Image image, const Frame& frame, const RainOptions& options);
RainPair draw_additive(Image image, const Frame& frame, const RainOptions& options);
RainPair draw_photo(Image image, const Frame& frame, const RainOptions& options);

}  // namespace sapnet::train::rain
