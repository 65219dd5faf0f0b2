#include <algorithm>
#include <cstdlib>

#include "engine/error.h"
#include "train/image/codecs.h"

namespace sapnet::train::codecs {
namespace {

constexpr std::size_t kFileHeader = 14;

std::uint32_t little_endian(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

/// stb reads uninitialised memory for a pixel whose colour is not in the palette.
bool within_palette(Bytes row, std::size_t width, std::size_t bits, std::size_t colours) {
  if (colours >= std::size_t{1} << bits) return true;
  for (std::size_t x = 0; x < width; ++x) {
    const std::size_t shift = 8 - bits - x * bits % 8;
    if ((static_cast<std::size_t>(row[x * bits / 8]) >> shift & ((std::size_t{1} << bits) - 1)) >= colours) {
      return false;
    }
  }
  return true;
}

}  // namespace

Header check_bmp(Bytes bytes, const std::string& name) {
  const auto truncated = [&] { return Error(name + ": truncated BMP"); };
  if (bytes.size() < kFileHeader + 12) throw truncated();
  const std::size_t offset = little_endian(bytes, 10, 4);
  const std::size_t info = little_endian(bytes, 14, 4);
  const bool core = info == 12;
  if (!core && info != 40 && info != 56 && info != 108 && info != 124) {
    throw Error(name + ": a BMP with a header of " + std::to_string(info) + " bytes cannot be read");
  }
  if (bytes.size() < kFileHeader + info) throw truncated();

  const std::size_t side_bytes = core ? 2 : 4;
  const auto side = [&](std::size_t at) -> std::int64_t {
    if (core) return little_endian(bytes, at, 2);
    return static_cast<std::int32_t>(little_endian(bytes, at, 4));
  };
  const std::int64_t width = side(18);
  const std::int64_t height = std::abs(side(18 + side_bytes));  // negative: top-down rows
  check_size(width, height, name);
  const std::size_t bits = little_endian(bytes, 18 + 2 * side_bytes + 2, 2);
  const std::uint32_t compression = core ? 0 : little_endian(bytes, 30, 4);
  const bool masks = compression == 3 && (bits == 16 || bits == 32);
  if (compression != 0 && !masks) throw Error(name + ": a compressed BMP cannot be read");
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32) {
    throw Error(name + ": damaged BMP: " + std::to_string(bits) + " bits per pixel are invalid");
  }
  if (core && bits <= 8)
    throw Error(name + ": a BMP with an OS/2 palette cannot be read");  // stb misplaces it
  const std::size_t header = kFileHeader + info + (masks && info <= 56 ? 12 : 0);
  if (offset < header) throw Error(name + ": damaged BMP: its pixels overlap its header");
  const std::size_t stride = (static_cast<std::size_t>(width) * bits + 31) / 32 * 4;
  if (offset > bytes.size() || stride * static_cast<std::size_t>(height) > bytes.size() - offset)
    throw truncated();

  if (bits <= 8) {
    const std::size_t colours = (offset - header) / 4;
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
      if (!within_palette(bytes.subspan(offset + y * stride, stride), static_cast<std::size_t>(width), bits,
                          colours)) {
        throw Error(name + ": damaged BMP: a pixel's colour is not in the palette");
      }
    }
  }
  const bool alpha = masks ? info >= 108 && little_endian(bytes, 66, 4) != 0 : bits == 32;
  return {static_cast<int>(width), static_cast<int>(height), alpha ? 4 : 3};
}

}  // namespace sapnet::train::codecs
