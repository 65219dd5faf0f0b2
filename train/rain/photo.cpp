// Rain as captured by a camera: thin translucent streaks, and wide faint ones out of focus, blended in linear
// light. The simulated camera applies defocus and haze before, and tone, sensor noise and JPEG compression
// after. The rain-free image gets the same, so a network trained on the pair removes only the streaks, not
// haze, grain or colours.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "train/rain/styles.h"

namespace sapnet::train::rain {
namespace {

struct Layer {
  float shortest, longest;    // lengths, in pixels of an image whose shorter side is 400 or less
  float thinnest, thickest;   // widths
  float faintest, brightest;  // opacity of a streak's core, at strength 1
  float density;              // streaks per pixel, at strength 1
};

// From far to near. The near ones are out of focus.
constexpr std::array<Layer, 3> kLayers = {{
    {10, 32, 0.7F, 1.5F, 0.10F, 0.40F, 0.0040F},
    {25, 80, 1.0F, 2.4F, 0.10F, 0.50F, 0.0011F},
    {50, 140, 3.0F, 8.0F, 0.03F, 0.14F, 0.00008F},
}};
constexpr float kJitter = 0.03F;  // largest deviation of a streak's slope

struct Weather {
  float slope, exposure;
  float light;  // linear brightness of the sky refracted by drops
};

struct Camera {
  int defocus;           // radius of the blur, in pixels; 0: sharp
  float haze, airlight;  // largest opacity of haze, and its brightness
  float tone;            // above 0 brightens midtones, below 0 darkens them
  float noise;           // largest deviation
  int quality;           // of JPEG
};

Weather draw_weather(const RainOptions& options) {
  Rng rng(options.seed, Stream::kWeather, 0);
  Weather weather;
  weather.slope = rng.deviation(0.5F);
  weather.exposure = rng.between(0.6F, 1.6F);
  weather.light = rng.between(0.6F, 1);
  return weather;
}

Camera draw_camera(const RainOptions& options) {
  Rng rng(options.seed, Stream::kCamera, 0);
  Camera camera;
  camera.defocus = std::max(0, static_cast<int>(rng.below(6)) - 3);
  camera.haze = std::max(0.0F, rng.between(-0.3F, 0.35F));
  camera.airlight = rng.between(0.6F, 0.95F);
  camera.tone = rng.deviation(0.3F);
  camera.noise = std::max(0.0F, rng.between(-0.02F, 0.05F));
  camera.quality = 60 + static_cast<int>(rng.below(39));
  return camera;
}

void draw_layer(const Layer& layer, Stream stream, const Weather& weather, const Frame& frame,
                const RainOptions& options, Light& light) {
  const float scale = frame.scale(), longest = layer.longest * scale * weather.exposure;
  const Spread spread(frame, longest, std::abs(weather.slope) + kJitter);
  const auto count =
      static_cast<std::uint32_t>(layer.density * options.strength * spread.area() / (scale * scale));
  for (std::uint32_t i = 1; i <= count; ++i) {
    Rng rng(options.seed, stream, i);
    Streak streak;
    spread.place(rng, streak);
    set_slope(streak, weather.slope + rng.deviation(kJitter));
    streak.half_length = 0.5F * scale * weather.exposure * rng.between(layer.shortest, layer.longest);
    const float thickness = 0.5F * scale * rng.between(layer.thinnest, layer.thickest);
    streak.radius = std::max(1.0F, 1.5F * thickness);
    const float glint = rng.between(0, 1);
    streak.brightness = (layer.faintest + (layer.brightest - layer.faintest) * glint * glint) *
                        std::min(1.0F, thickness) / std::sqrt(weather.exposure);
    draw_streak(
        streak,
        [](float along, float across) {
          const float taper = std::max(0.0F, 1 - along * along),
                      profile = std::max(0.0F, 1 - across * across);
          return taper * profile;
        },
        light);
  }
}

/// Box blur over 2 * radius + 1 pixels along a row or column of `length` pixels, `step` floats apart, with
/// the end pixels replicated.
void box_blur(float* first, int length, std::ptrdiff_t step, int radius, std::vector<float>& line) {
  line.resize(static_cast<std::size_t>(length));
  for (int i = 0; i < length; ++i) line[static_cast<std::size_t>(i)] = first[i * step];
  for (int i = 0; i < length; ++i) {
    float sum = 0;
    for (int k = i - radius; k <= i + radius; ++k)
      sum += line[static_cast<std::size_t>(std::clamp(k, 0, length - 1))];
    first[i * step] = sum / static_cast<float>(2 * radius + 1);
  }
}

void defocus(Image& image, int radius) {
  std::vector<float> line;
  const std::ptrdiff_t width = image.width;
  for (int y = 0; y < image.height; ++y)
    for (int c = 0; c < 3; ++c) box_blur(image.rgb.data() + 3 * y * width + c, image.width, 3, radius, line);
  for (int x = 0; x < image.width; ++x)
    for (int c = 0; c < 3; ++c) box_blur(image.rgb.data() + 3 * x + c, image.height, 3 * width, radius, line);
}

/// Sensor noise with a triangular distribution, a function of the position in the whole image. Grey for grey
/// images.
std::vector<float> noise(const Frame& frame, std::uint64_t seed, float largest, bool grey) {
  constexpr float kHalf = 65536;
  std::vector<float> values;
  const Crop& crop = frame.crop;
  values.reserve(3 * static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height));
  for (int y = crop.top; y < crop.top + crop.height; ++y) {
    for (int x = crop.left; x < crop.left + crop.width; ++x) {
      const auto pixel = static_cast<std::uint32_t>(y) * static_cast<std::uint32_t>(frame.width) +
                         static_cast<std::uint32_t>(x);
      Rng rng(seed, Stream::kNoise, pixel);
      for (int c = 0; c < 3; ++c) {
        if (grey && c > 0) {
          values.push_back(values.back());
          continue;
        }
        const std::uint32_t bits = rng.bits();
        const auto sum = static_cast<float>((bits >> 16) + (bits & 0xFFFF));
        values.push_back(largest * (sum / kHalf - 1));
      }
    }
  }
  return values;
}

Image jpeg_roundtrip(const Image& image, int quality) {
  const auto bytes = to_bytes(image.rgb, Rounding::kNearest);
  const auto jpeg = encode_image(bytes, image.width, image.height, 3, ImageFormat::kJpeg, quality);
  Image result = decode_image(jpeg, "the image with synthetic rain");
  result.alpha = image.alpha;
  result.grey = image.grey;
  if (image.grey)
    for (std::size_t i = 0; i < result.rgb.size(); i += 3)
      result.rgb[i + 1] = result.rgb[i + 2] = result.rgb[i];
  return result;
}

}  // namespace

RainPair draw_photo(Image image, const Frame& frame, const RainOptions& options) {
  const Weather weather = draw_weather(options);
  const Camera camera = draw_camera(options);
  if (camera.defocus > 0) defocus(image, camera.defocus);
  if (camera.haze > 0)
    add_haze(image.rgb, smooth_field(options.seed, frame, 0.2F, 1), camera.haze, camera.airlight);

  Light light(frame.crop);
  for (std::size_t i = 0; i < kLayers.size(); ++i)
    draw_layer(kLayers[i], layer_stream(i), weather, frame, options, light);
  RainPair pair = {image, std::move(image)};
  for (std::size_t i = 0; i < pair.rainy.rgb.size(); ++i) {
    const float linear = pair.clean.rgb[i] * pair.clean.rgb[i];  // a gamma of 2
    const float opacity = std::min(1.0F, light.values[i / 3]);
    pair.rainy.rgb[i] = std::sqrt(linear + opacity * (weather.light - linear));
  }

  const std::vector<float> grain = noise(frame, options.seed, camera.noise, pair.clean.grey);
  for (Image* shot : {&pair.rainy, &pair.clean}) {
    for (std::size_t i = 0; i < shot->rgb.size(); ++i) {
      const float value = shot->rgb[i];
      shot->rgb[i] = value + camera.tone * value * (1 - value) + grain[i];
    }
    *shot = jpeg_roundtrip(*shot, camera.quality);
  }
  return pair;
}

}  // namespace sapnet::train::rain
