// Synthetic rain, drawn onto clean photos.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "train/image.h"

namespace sapnet::train {

/// What kind of rain is drawn:
///   soft      tapered streaks, screened or added, and mist: pleasing on any photo
///   additive  grey light added and clipped, as in Rain100L and Rain100H: even streaks in one or two
///             directions, from a light shower to a curtain that covers every pixel
///   photo     thin translucent streaks as a camera sees them: blended in linear light, then noise, defocus,
///             haze and JPEG compression, which the rain-free image gets as well
enum class RainStyle { kSoft, kAdditive, kPhoto };
inline constexpr std::array<std::string_view, 3> kRainStyles = {"soft", "additive", "photo"};

struct RainOptions {
  RainStyle style = RainStyle::kSoft;
  float strength = 0.5F;  // 0: no rain, 0.2: a light shower, 1: a downpour
  std::uint64_t seed = 1;
};

/// A rainy image and the same without rain. `clean` is the image that was drawn on, except in photo style,
/// where it has gone through the same camera.
struct RainPair {
  Image rainy, clean;
};

/// Draws rain onto an image; grey stays grey and alpha is kept. Streaks grow with images whose shorter side
/// is above 400 pixels, so that rain looks the same at every size. The same arguments give the same bits on
/// every machine. Throws Error when strength is outside [0, 1].
RainPair draw_rain(Image image, const RainOptions& options);

/// What draw_rain() of a whole image of width x height shows in `crop`, to the bit, at the cost of the crop.
/// `pixels` are those of the clean image in needed_crop(options.style, crop, width, height).
RainPair draw_rain(Image pixels, const Crop& crop, int width, int height, const RainOptions& options);

/// The part of an image that draw_rain() must see to draw on `crop`: the crop itself, or in photo style more.
Crop needed_crop(RainStyle style, const Crop& crop, int width, int height);

}  // namespace sapnet::train
