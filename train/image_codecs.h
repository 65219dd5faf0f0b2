// What stands between a file's bytes and stb_image. stb trusts its input: it skips checksums, reads zeros
// past the end, and has known holes. So every file is checked first, and stb sees only what passed.
// Only train/image*.cpp include this.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sapnet::train::codecs {

using Bytes = std::span<const std::uint8_t>;

/// What a checked file promises.
struct Header {
  int width = 0, height = 0;
  int channels = 0;     // of the samples that stb makes of it: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA
  int orientation = 1;  // EXIF's, 1 to 8
  bool wide = false;    // 16 bits per sample
};

/// The largest picture that is read: 2^28 pixels, of which 2^20 a side.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;
inline constexpr std::int64_t kMaxSide = std::int64_t{1} << 20;

/// Throws Error when a header's size is zero or larger than the limits.
void check_size(std::int64_t width, std::int64_t height, const std::string& name);

/// Throws Error unless the PNG is whole: chunk structure, every CRC, and a zlib stream of the length that
/// the header's size asks for. `essential` becomes the same picture with only the chunks that stb needs.
Header check_png(Bytes bytes, const std::string& name, std::vector<std::uint8_t>& essential);

/// Throws Error unless every marker segment of the JPEG is whole, its Huffman tables are valid, it ends
/// with an EOI marker, and stb knows its kind. JPEG has no checksums: damaged pixels go unnoticed.
Header check_jpeg(Bytes bytes, const std::string& name);

/// Throws Error unless the BMP's header is one that stb knows and all its pixels are there.
Header check_bmp(Bytes bytes, const std::string& name);

/// The orientation in an EXIF block ("Exif\0\0" and a TIFF structure), 1 when it has none.
int exif_orientation(Bytes exif);

struct Free {
  void operator()(void* pointer) const { std::free(pointer); }
};

/// Samples as stb gives them: (height, width, channels), 8 bits each, or 16 when asked for `wide`.
struct Samples {
  int width = 0, height = 0, channels = 0;
  std::unique_ptr<void, Free> data;
};

/// Decodes a checked file. Throws Error with stb's reason.
Samples decode(Bytes bytes, bool wide, const std::string& name);

/// Encode (height, width, channels) bytes. Return nothing when memory runs out.
std::vector<std::uint8_t> encode_png(Bytes samples, int width, int height, int channels);
std::vector<std::uint8_t> encode_jpeg(Bytes samples, int width, int height, int channels, int quality);

}  // namespace sapnet::train::codecs
