// Validation of image files before stb_image decodes them. stb trusts its input: it skips checksums, reads
// zeros past the end, and has known vulnerabilities.
// Internal to this folder.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sapnet::train::codecs {

using Bytes = std::span<const std::uint8_t>;

/// The properties of a validated file.
struct Header {
  int width = 0, height = 0;
  int channels = 0;     // after decoding: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA
  int orientation = 1;  // EXIF orientation, 1 to 8
  bool wide = false;    // 16 bits per sample
};

/// Largest image that is read: 2^28 pixels, at most 2^20 per side.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;
inline constexpr std::int64_t kMaxSide = std::int64_t{1} << 20;

/// Throws Error if the size is zero or exceeds the limits.
void check_size(std::int64_t width, std::int64_t height, const std::string& name);

/// Throws Error unless the PNG is intact: chunk structure, every CRC, and a zlib stream as long as the image
/// size requires. `essential` receives the same image with only the chunks that stb needs.
Header check_png(Bytes bytes, const std::string& name, std::vector<std::uint8_t>& essential);

/// Throws Error unless every marker segment of the JPEG is complete, its Huffman tables are valid, it ends
/// with an EOI marker, and stb supports its kind. JPEG has no checksums: damaged pixels go unnoticed.
Header check_jpeg(Bytes bytes, const std::string& name);

/// Throws Error unless stb supports the BMP's header and all pixels are present.
Header check_bmp(Bytes bytes, const std::string& name);

/// The orientation in an EXIF block ("Exif\0\0" and a TIFF structure), 1 if it has none.
int exif_orientation(Bytes exif);

struct Free {
  void operator()(void* pointer) const { std::free(pointer); }
};

/// Decoded samples: (height, width, channels), 16 bits each if `wide`, else 8.
struct Samples {
  int width = 0, height = 0, channels = 0;
  std::unique_ptr<void, Free> data;
};

/// Decodes a validated file. Throws Error with stb's reason.
Samples decode(Bytes bytes, bool wide, const std::string& name);

/// Encode (height, width, channels) bytes. Return an empty vector if memory runs out.
std::vector<std::uint8_t> encode_png(Bytes samples, int width, int height, int channels);
std::vector<std::uint8_t> encode_jpeg(Bytes samples, int width, int height, int channels, int quality);

}  // namespace sapnet::train::codecs
