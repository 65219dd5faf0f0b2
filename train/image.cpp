#include "train/image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>

#include "engine/error.h"
#include "engine/output_file.h"
#include "train/image_codecs.h"

namespace sapnet::train {
namespace {

// stb counts bytes in int; no picture of the permitted size is larger.
constexpr std::size_t kMaxFile = std::size_t{1} << 30;

std::vector<std::uint8_t> read_file(const std::filesystem::path& file) {
  std::error_code none;  // a file that is not there fails to open
  const auto status = std::filesystem::status(file, none);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(file.string() + (std::filesystem::is_directory(status) ? ": is a folder, not a picture"
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
    if (bytes.size() + count > kMaxFile) throw Error(file.string() + ": is larger than 1 GiB, so no picture");
    bytes.insert(bytes.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (std::ferror(stream.get()) != 0) throw fail();
  return bytes;
}

bool begins_with(codecs::Bytes bytes, const void* magic, std::size_t size) {
  return bytes.size() >= size && std::memcmp(bytes.data(), magic, size) == 0;
}

/// Spreads (height, width, channels) samples of 0 to `scale` over an Image.
template <typename Sample>
void fill(Image& image, const Sample* samples, int channels, float scale) {
  const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  const auto stride = static_cast<std::size_t>(channels);
  const bool grey = channels <= 2, alpha = channels % 2 == 0;
  image.grey = grey;
  image.rgb.resize(pixels * 3);
  if (alpha) image.alpha.resize(pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    const Sample* pixel = samples + i * stride;
    for (std::size_t c = 0; c < 3; ++c)
      image.rgb[3 * i + c] = static_cast<float>(pixel[grey ? 0 : c]) / scale;
    if (alpha) image.alpha[i] = static_cast<float>(pixel[stride - 1]) / scale;
  }
}

/// values: (height, width, channels) as stored; the result stands as EXIF's orientation says: 2, 3, 7, 8
/// run from right to left, 3, 4, 6, 7 from bottom to top, and 5 to 8 have rows for columns.
std::vector<float> upright(const std::vector<float>& values, int width, int height, std::size_t channels,
                           int orientation) {
  const bool mirror = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool flip = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool transpose = orientation >= 5;
  std::vector<float> result;
  result.reserve(values.size());
  for (int y = 0; y < (transpose ? width : height); ++y) {
    for (int x = 0; x < (transpose ? height : width); ++x) {
      const int column = transpose ? y : x, row = transpose ? x : y;
      const auto source =
          static_cast<std::size_t>(flip ? height - 1 - row : row) * static_cast<std::size_t>(width) +
          static_cast<std::size_t>(mirror ? width - 1 - column : column);
      const auto* pixel = values.data() + source * channels;
      result.insert(result.end(), pixel, pixel + channels);
    }
  }
  return result;
}

Image to_image(codecs::Samples samples, const codecs::Header& header) {
  Image image;
  image.width = samples.width;
  image.height = samples.height;
  if (header.wide) {
    fill(image, static_cast<const std::uint16_t*>(samples.data.get()), samples.channels, 65535.0F);
  } else {
    fill(image, static_cast<const std::uint8_t*>(samples.data.get()), samples.channels, 255.0F);
  }
  samples.data.reset();
  if (header.orientation == 1) return image;
  image.rgb = upright(image.rgb, image.width, image.height, 3, header.orientation);
  if (!image.alpha.empty())
    image.alpha = upright(image.alpha, image.width, image.height, 1, header.orientation);
  if (header.orientation >= 5) std::swap(image.width, image.height);
  return image;
}

}  // namespace

namespace codecs {

void check_size(std::int64_t width, std::int64_t height, const std::string& name) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  if (width < 1 || height < 1) throw Error(name + ": damaged picture: " + size);
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
    // Written so that a NaN becomes 0.
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

Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (bytes.empty()) throw Error(name + ": is empty");
  if (bytes.size() > kMaxFile) throw Error(name + ": is larger than 1 GiB, so no picture");
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
    throw Error(name + ": is not a PNG, JPEG or BMP picture");
  }

  try {
    return to_image(codecs::decode(bytes, header.wide, name), header);
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
    throw Error(std::to_string(bytes.size()) + " bytes are not a picture of " + size + " with " +
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
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool jpeg = extension == ".jpg" || extension == ".jpeg";
  if (!jpeg && extension != ".png")
    throw Error(file.string() + ": pictures are written as .png, .jpg or .jpeg");
  std::vector<std::uint8_t> encoded;
  try {
    encoded =
        encode_image(bytes, width, height, channels, jpeg ? ImageFormat::kJpeg : ImageFormat::kPng, quality);
  } catch (const Error& error) {
    throw Error(file.string() + ": " + error.what());
  }
  engine::OutputFile output(file);
  output.write(encoded);
  output.finish();
}

}  // namespace sapnet::train
