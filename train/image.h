// Pictures as training and the programs see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/buffer.h"

namespace sapnet::train {

/// A picture in memory: upright (EXIF orientation applied), RGB.
struct Image {
  int width = 0, height = 0;
  std::vector<float> rgb;    // (height, width, 3), in [0, 1]
  std::vector<float> alpha;  // (height, width), in [0, 1]; empty when the picture is opaque
  bool grey = false;         // the file had one colour channel; rgb holds it three times
};

/// A rectangle of an image, in pixels.
struct Crop {
  int left = 0, top = 0, width = 0, height = 0;
};

/// How [0, 1] becomes a byte: the published code truncates; nearest is worth 0.41 dB to its weights on 17
/// pairs of Rain100L.
enum class Rounding { kNearest, kTruncate };

/// Clamps to [0, 1], times 255, rounded.
std::vector<std::uint8_t> to_bytes(std::span<const float> values, Rounding rounding);

/// The way back: bytes over 255.
std::vector<float> to_floats(std::span<const std::uint8_t> bytes);

/// Reads PNG (8 or 16 bit), JPEG (EXIF orientation applied) or BMP, told by the first bytes.
/// Throws Error naming the file and the fault: missing, not a picture, truncated, damaged, too large, or
/// larger than memory has room for.
Image read_image(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in messages. A picture that takes more bytes than
/// `memory` is refused before it is decoded.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   std::size_t memory = engine::available_memory(engine::Device::kCpu));

enum class ImageFormat { kPng, kJpeg };

/// Encodes (height, width, channels) bytes; `channels`: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA; JPEG drops
/// alpha. `quality` is for JPEG, 1 to 100. Throws Error when the bytes do not fit the size, a side is too
/// long for JPEG (65535), or memory runs out.
std::vector<std::uint8_t> encode_image(std::span<const std::uint8_t> bytes, int width, int height,
                                       int channels, ImageFormat format, int quality);

/// Writes what encode_image() gives, PNG or JPEG by the extension (.png, .jpg, .jpeg), to a temporary name
/// and then renamed. Throws Error naming the file.
void write_image(const std::filesystem::path& file, std::span<const std::uint8_t> bytes, int width,
                 int height, int channels, int quality);

}  // namespace sapnet::train
