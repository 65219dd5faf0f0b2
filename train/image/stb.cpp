// The only file that includes stb.
#include <zlib.h>

#include <cstdlib>

#include "engine/error.h"
#include "train/image/codecs.h"

namespace {

/// Replaces stb's own compressor, which is slower and compresses less.
unsigned char* zlib_compress(unsigned char* data, int length, int* compressed_length, int level) {
  uLongf size = compressBound(static_cast<uLong>(length));
  auto* compressed = static_cast<unsigned char*>(std::malloc(size));
  if (compressed == nullptr) return nullptr;
  if (compress2(compressed, &size, data, static_cast<uLong>(length), level) != Z_OK || size > 0x7fffff00) {
    std::free(compressed);
    return nullptr;
  }
  *compressed_length = static_cast<int>(size);
  return compressed;
}

}  // namespace

// Zeroed memory: stb leaves pixels without data in a damaged JPEG uninitialised.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(pointer, size) std::realloc(pointer, size)
#define STBI_FREE(pointer) std::free(pointer)
// A file can trigger stb's assertions, which must not abort the program.
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STBI_MAX_DIMENSIONS (1 << 20)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBIW_ZLIB_COMPRESS zlib_compress
#define STBIW_ASSERT(condition) static_cast<void>(0)
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace sapnet::train::codecs {
namespace {

void append(void* context, void* data, int size) {
  auto& bytes = *static_cast<std::vector<std::uint8_t>*>(context);
  const auto* first = static_cast<const std::uint8_t*>(data);
  bytes.insert(bytes.end(), first, first + size);
}

}  // namespace

Samples decode(Bytes bytes, bool wide, const std::string& name) {
  Samples samples;
  const int size = static_cast<int>(bytes.size());
  if (wide) {
    samples.data.reset(
        stbi_load_16_from_memory(bytes.data(), size, &samples.width, &samples.height, &samples.channels, 0));
  } else {
    samples.data.reset(
        stbi_load_from_memory(bytes.data(), size, &samples.width, &samples.height, &samples.channels, 0));
  }
  if (!samples.data) throw Error(name + ": cannot be decoded: " + stbi_failure_reason());
  return samples;
}

std::vector<std::uint8_t> encode_png(Bytes samples, int width, int height, int channels) {
  std::vector<std::uint8_t> bytes;
  if (stbi_write_png_to_func(append, &bytes, width, height, channels, samples.data(), 0) == 0) bytes.clear();
  return bytes;
}

std::vector<std::uint8_t> encode_jpeg(Bytes samples, int width, int height, int channels, int quality) {
  std::vector<std::uint8_t> bytes;
  if (stbi_write_jpg_to_func(append, &bytes, width, height, channels, samples.data(), quality) == 0)
    bytes.clear();
  return bytes;
}

}  // namespace sapnet::train::codecs
