#include "train/rain/rain.h"

#include <string>
#include <utility>

#include "engine/error.h"
#include "train/rain/styles.h"

namespace sapnet::train {
namespace {

/// Margin around a crop in photo style: aligned to JPEG blocks (16 pixels with subsampled chroma), plus one
/// block, since the decoder interpolates chroma across the border, and the radius of the defocus.
constexpr int kBlock = 16, kMargin = 32;

Image cut(const Image& image, const Crop& from, const Crop& to) {
  if (from.left == to.left && from.top == to.top && from.width == to.width && from.height == to.height)
    return image;
  Image result;
  result.width = to.width;
  result.height = to.height;
  result.grey = image.grey;
  for (int y = to.top; y < to.top + to.height; ++y) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(y - from.top) * from.width + to.left - from.left;
    result.rgb.insert(result.rgb.end(), image.rgb.begin() + 3 * first,
                      image.rgb.begin() + 3 * (first + to.width));
    if (!image.alpha.empty())
      result.alpha.insert(result.alpha.end(), image.alpha.begin() + first,
                          image.alpha.begin() + first + to.width);
  }
  return result;
}

}  // namespace

Crop needed_crop(RainStyle style, const Crop& crop, int width, int height) {
  if (style != RainStyle::kPhoto) return crop;
  const auto before = [](int position) { return std::max(0, (position - kMargin) / kBlock * kBlock); };
  const auto after = [](int position, int end) {
    return std::min(end, (position + kMargin + kBlock - 1) / kBlock * kBlock);
  };
  Crop needed = {before(crop.left), before(crop.top), 0, 0};
  needed.width = after(crop.left + crop.width, width) - needed.left;
  needed.height = after(crop.top + crop.height, height) - needed.top;
  return needed;
}

RainPair draw_rain(Image image, const RainOptions& options) {
  const Crop whole = {0, 0, image.width, image.height};
  return draw_rain(std::move(image), whole, whole.width, whole.height, options);
}

RainPair draw_rain(Image pixels, const Crop& crop, int width, int height, const RainOptions& options) {
  if (!(options.strength >= 0 && options.strength <= 1))
    throw Error("the strength of rain must be from 0 to 1, not " + std::to_string(options.strength));
  const rain::Frame frame = {needed_crop(options.style, crop, width, height), width, height};
  if (pixels.width != frame.crop.width || pixels.height != frame.crop.height)
    throw Error("rain needs " + std::to_string(frame.crop.width) + "x" + std::to_string(frame.crop.height) +
                " pixels of the image, not " + std::to_string(pixels.width) + "x" +
                std::to_string(pixels.height));
  if (options.style == RainStyle::kSoft) return rain::draw_soft(std::move(pixels), frame, options);
  if (options.style == RainStyle::kAdditive) return rain::draw_additive(std::move(pixels), frame, options);
  const RainPair pair = rain::draw_photo(std::move(pixels), frame, options);
  return {cut(pair.rainy, frame.crop, crop), cut(pair.clean, frame.crop, crop)};
}

namespace rain {

std::vector<float> smooth_field(std::uint64_t seed, const Frame& frame, float low, float high) {
  constexpr int kCells = 3;
  std::array<std::array<float, kCells + 1>, kCells + 1> corners;
  for (int i = 0; i <= kCells; ++i) {
    for (int j = 0; j <= kCells; ++j) {
      corners[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] =
          Rng(seed, Stream::kMist, static_cast<std::uint32_t>(i * (kCells + 1) + j)).between(low, high);
    }
  }
  const auto locate = [](int position, int size) {
    const float cell = (static_cast<float>(position) + 0.5F) * kCells / static_cast<float>(size);
    const auto first = std::min(static_cast<std::size_t>(cell), std::size_t{kCells - 1});
    const float t = cell - static_cast<float>(first);
    return std::pair(first, t * t * (3 - 2 * t));
  };
  const Crop& crop = frame.crop;
  std::vector<float> field;
  field.reserve(static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height));
  for (int y = 0; y < crop.height; ++y) {
    const auto [i, ty] = locate(crop.top + y, frame.height);
    for (int x = 0; x < crop.width; ++x) {
      const auto [j, tx] = locate(crop.left + x, frame.width);
      const float upper = corners[i][j] + tx * (corners[i][j + 1] - corners[i][j]);
      const float lower = corners[i + 1][j] + tx * (corners[i + 1][j + 1] - corners[i + 1][j]);
      field.push_back(upper + ty * (lower - upper));
    }
  }
  return field;
}

void add_haze(std::vector<float>& rgb, const std::vector<float>& field, float most, float airlight) {
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] += most * field[i / 3] * (airlight - rgb[i]);
}

}  // namespace rain
}  // namespace sapnet::train
