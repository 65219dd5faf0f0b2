// Synthetic rain on clean photos.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "train/image/image.h"

namespace sapnet::train {

/// Styles of synthetic rain:
///   soft      tapered streaks, blended by screen or addition, and mist: looks good on any photo
///   additive  grey light added and clipped, as in Rain100L and Rain100H: straight streaks in one or two
///             directions, from a light shower to full coverage
///   photo     thin translucent streaks as captured by a camera: blended in linear light, then defocus,
///             haze, noise and JPEG compression, which are applied to the rain-free image too
enum class RainStyle { kSoft, kAdditive, kPhoto };
inline constexpr std::array<std::string_view, 3> kRainStyles = {"soft", "additive", "photo"};

struct RainOptions {
  RainStyle style = RainStyle::kSoft;
  float strength = 0.5F;  // 0: no rain, 0.2: a light shower, 1: a downpour
  std::uint64_t seed = 1;
};

/// A rainy image and its rain-free counterpart. `clean` is the original image, except in photo style, where
/// it has passed through the same simulated camera.
struct RainPair {
  Image rainy, clean;
};

/// Adds rain to an image; grey stays grey and alpha is kept. If the shorter side exceeds 400 pixels, streaks
/// scale with the image, so rain looks the same at every size. Equal arguments give equal bits on every
/// machine. Throws Error if strength is outside [0, 1].
RainPair draw_rain(Image image, const RainOptions& options);

/// Like draw_rain() on a whole width x height image, but computes only the part in `crop`, with the same
/// bits. pixels: the clean image in needed_crop(options.style, crop, width, height).
RainPair draw_rain(Image pixels, const Crop& crop, int width, int height, const RainOptions& options);

/// The part of an image that draw_rain() needs for `crop`: the crop itself or, in photo style, a larger one.
Crop needed_crop(RainStyle style, const Crop& crop, int width, int height);

}  // namespace sapnet::train
