#include "train/image/image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>

#include "engine/error.h"
#include "engine/files/output_file.h"
#include "train/image/codecs.h"
#include "train/image/folder.h"

namespace sapnet::train {
namespace {

// stb counts bytes in int; no image within the size limit is larger.
constexpr std::size_t kMaxFile = std::size_t{1} << 30;

std::vector<std::uint8_t> read_file(const std::filesystem::path& file) {
  std::error_code none;  // a missing file fails to open below
  const auto status = std::filesystem::status(file, none);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(file.string() + (std::filesystem::is_directory(status) ? ": is a folder, not an image"
                                                                       : ": is not a regular file"));
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rb"), std::fclose);
  const auto fail = [&] {
    return Error(file.string() + ": cannot be read: " + std::generic_category().message(errno));
  };
  if (!stream) throw fail();
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 1 << 16> block;
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), stream.get())) {
    if (bytes.size() + count > kMaxFile)
      throw Error(file.string() + ": is larger than 1 GiB, the limit for an image");
    bytes.insert(bytes.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (std::ferror(stream.get()) != 0) throw fail();
  return bytes;
}

bool begins_with(codecs::Bytes bytes, const void* magic, std::size_t size) {
  return bytes.size() >= size && std::memcmp(bytes.data(), magic, size) == 0;
}

/// Converts samples in 0 … `scale` to an upright Image. In EXIF orientations 2, 3, 7, 8 columns run right to
/// left, in 3, 4, 6, 7 rows run bottom to top, and 5 to 8 are transposed.
template <typename Sample>
Image to_image(const codecs::Samples& samples, float scale, int orientation) {
  const bool mirror = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool flip = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool transpose = orientation >= 5;
  const bool grey = samples.channels <= 2, alpha = samples.channels % 2 == 0;
  Image image;
  image.width = transpose ? samples.height : samples.width;
  image.height = transpose ? samples.width : samples.height;
  image.grey = grey;
  const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  image.rgb.reserve(pixels * 3);
  if (alpha) image.alpha.reserve(pixels);
  const auto stride = static_cast<std::size_t>(samples.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int column = transpose ? y : x, row = transpose ? x : y;
      const auto source = static_cast<std::size_t>(flip ? samples.height - 1 - row : row) *
                              static_cast<std::size_t>(samples.width) +
                          static_cast<std::size_t>(mirror ? samples.width - 1 - column : column);
      const auto* pixel = static_cast<const Sample*>(samples.data.get()) + source * stride;
      for (std::size_t c = 0; c < 3; ++c)
        image.rgb.push_back(static_cast<float>(pixel[grey ? 0 : c]) / scale);
      if (alpha) image.alpha.push_back(static_cast<float>(pixel[stride - 1]) / scale);
    }
  }
  return image;
}

/// Throws Error if an image needs more than `memory`: at the peak, its samples and the Image made of them.
/// stb itself needs less.
void check_memory(const codecs::Header& header, std::size_t memory, const std::string& name) {
  const auto channels = static_cast<std::size_t>(header.channels);
  const std::size_t pixel = channels * (header.wide ? 2 : 1) + (channels % 2 == 0 ? 4 : 3) * sizeof(float);
  const std::size_t needed =
      pixel * static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.height);
  if (needed <= memory) return;
  throw Error(name + ": not enough memory for " + std::to_string(header.width) + "x" +
              std::to_string(header.height) + " pixels: decoding takes " + engine::mebibytes(needed) +
              ", but only " + engine::mebibytes(memory) + " are available");
}

}  // namespace

namespace codecs {

void check_size(std::int64_t width, std::int64_t height, const std::string& name) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  if (width < 1 || height < 1) throw Error(name + ": damaged image: " + size);
  if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) {
    throw Error(name + ": too large: " + size + "; at most " + std::to_string(kMaxPixels / 1'000'000) +
                " megapixels can be read, and sides of at most " + std::to_string(kMaxSide) + " pixels");
  }
}

}  // namespace codecs

std::vector<std::uint8_t> to_bytes(std::span<const float> values, Rounding rounding) {
  const float shift = rounding == Rounding::kNearest ? 0.5F : 0.0F;
  std::vector<std::uint8_t> bytes(values.size());
  std::ranges::transform(values, bytes.begin(), [shift](float value) {
    // NaN becomes 0.
    const float clamped = value > 0 ? std::min(value, 1.0F) : 0.0F;
    return static_cast<std::uint8_t>(clamped * 255.0F + shift);
  });
  return bytes;
}

std::vector<float> to_floats(std::span<const std::uint8_t> bytes) {
  std::vector<float> values(bytes.size());
  std::ranges::transform(bytes, values.begin(),
                         [](std::uint8_t byte) { return static_cast<float>(byte) / 255.0F; });
  return values;
}

Image read_image(const std::filesystem::path& file) { return decode_image(read_file(file), file.string()); }

Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name, std::size_t memory) {
  if (bytes.empty()) throw Error(name + ": is empty");
  if (bytes.size() > kMaxFile) throw Error(name + ": is larger than 1 GiB, the limit for an image");
  codecs::Header header;
  std::vector<std::uint8_t> essential;
  if (begins_with(bytes, "\x89PNG", 4)) {
    header = codecs::check_png(bytes, name, essential);
    bytes = essential;
  } else if (begins_with(bytes, "\xFF\xD8\xFF", 3)) {
    header = codecs::check_jpeg(bytes, name);
  } else if (begins_with(bytes, "BM", 2)) {
    header = codecs::check_bmp(bytes, name);
  } else {
    throw Error(name + ": is not a PNG, JPEG or BMP image");
  }
  check_memory(header, memory, name);

  try {
    const auto samples = codecs::decode(bytes, header.wide, name);
    return header.wide ? to_image<std::uint16_t>(samples, 65535.0F, header.orientation)
                       : to_image<std::uint8_t>(samples, 255.0F, header.orientation);
  } catch (const std::bad_alloc&) {
    throw Error(name + ": not enough memory for " + std::to_string(header.width) + "x" +
                std::to_string(header.height) + " pixels");
  }
}

std::vector<std::uint8_t> encode_image(std::span<const std::uint8_t> bytes, int width, int height,
                                       int channels, ImageFormat format, int quality) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width < 1 || height < 1 || channels < 1 || channels > 4 ||
      bytes.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                          static_cast<std::size_t>(channels)) {
    throw Error(std::to_string(bytes.size()) + " bytes are not an image of " + size + " with " +
                std::to_string(channels) + " channels");
  }
  constexpr int kMaxJpegSide = 0xFFFF;
  if (format == ImageFormat::kJpeg && (width > kMaxJpegSide || height > kMaxJpegSide)) {
    throw Error(size + " pixels are too large for JPEG");
  }
  auto encoded = format == ImageFormat::kPng ? codecs::encode_png(bytes, width, height, channels)
                                             : codecs::encode_jpeg(bytes, width, height, channels, quality);
  if (encoded.empty()) throw Error("not enough memory to encode " + size + " pixels");
  return encoded;
}

void write_image(const std::filesystem::path& file, std::span<const std::uint8_t> bytes, int width,
                 int height, int channels, int quality) {
  const std::string extension = extension_of(file);
  const bool jpeg = extension == ".jpg" || extension == ".jpeg";
  if (!jpeg && extension != ".png")
    throw Error(file.string() + ": images are written as .png, .jpg or .jpeg; use such an extension");
  std::vector<std::uint8_t> encoded;
  try {
    encoded =
        encode_image(bytes, width, height, channels, jpeg ? ImageFormat::kJpeg : ImageFormat::kPng, quality);
  } catch (const Error& error) {
    throw Error(file.string() + ": " + error.what());
  }
  files::OutputFile output(file);
  output.write(encoded);
  output.finish();
}

}  // namespace sapnet::train
