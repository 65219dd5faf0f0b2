// Synthetic rain: streaks drawn onto a clean photo.
#pragma once

#include <cstdint>

#include "train/image.h"

namespace sapnet::train {

/// Draws rain onto a clean picture; grey ones stay grey and alpha is kept. `strength` in [0, 1]: 0
/// leaves the picture as it is, 0.2 is a light shower, 1 a downpour: how many streaks, how bright, how long,
/// and from about 0.6 on how much mist. Wind, shutter time and blending (screen or additive) vary with
/// `seed`. Streaks grow with pictures larger than 400 pixels, so that rain looks the same at every size. The
/// same arguments give the same bits on every machine. Throws Error when strength is outside [0, 1].
Image add_rain(Image image, float strength, std::uint64_t seed);

/// The picture that a crop was cut out of, and the pixel of it that is the crop's first.
struct Frame {
  int width = 0, height = 0;
  int left = 0, top = 0;
};

/// What add_rain() of the whole picture shows there, to the bit, for little more than the cost of the crop.
Image add_rain(Image crop, const Frame& frame, float strength, std::uint64_t seed);

}  // namespace sapnet::train
