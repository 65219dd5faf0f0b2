// Images in memory, and reading and writing image files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/buffer.h"

namespace sapnet::train {

/// An upright RGB image (EXIF orientation applied).
struct Image {
  int width = 0, height = 0;
  std::vector<float> rgb;    // (height, width, 3), in [0, 1]
  std::vector<float> alpha;  // (height, width), in [0, 1]; empty if opaque
  bool grey = false;         // the file has one colour channel; rgb repeats it three times
};

/// A rectangle of an image, in pixels.
struct Crop {
  int left = 0, top = 0, width = 0, height = 0;
};

/// How values in [0, 1] are converted to bytes. The published code truncates; rounding to nearest improves
/// its weights by 0.41 dB on 17 pairs of Rain100L.
enum class Rounding { kNearest, kTruncate };

/// Clamps to [0, 1], scales to 255 and rounds.
std::vector<std::uint8_t> to_bytes(std::span<const float> values, Rounding rounding);

/// The inverse: bytes / 255.
std::vector<float> to_floats(std::span<const std::uint8_t> bytes);

/// Reads PNG (8 or 16 bit), JPEG or BMP, detected from the first bytes. Throws Error naming the file and the
/// problem: missing, not an image, truncated, damaged, too large, or too large for memory.
Image read_image(const std::filesystem::path& file);

/// The same from memory; `name` is the file name in messages. An image that needs more than `memory` bytes is
/// rejected before it is decoded.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                   std::size_t memory = engine::available_memory(engine::Device::kCpu));

enum class ImageFormat { kPng, kJpeg };

/// Encodes (height, width, channels) bytes; `channels`: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA; JPEG drops
/// alpha. quality: JPEG quality, 1 to 100. Throws Error if the number of bytes does not match the size, a
/// side is too long for JPEG (65535), or memory runs out.
std::vector<std::uint8_t> encode_image(std::span<const std::uint8_t> bytes, int width, int height,
                                       int channels, ImageFormat format, int quality);

/// Writes a PNG or JPEG file, chosen by the extension (.png, .jpg, .jpeg), atomically. Throws Error naming
/// the file.
void write_image(const std::filesystem::path& file, std::span<const std::uint8_t> bytes, int width,
                 int height, int channels, int quality);

}  // namespace sapnet::train
