#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "engine/error.h"
#include "train/image/codecs.h"

namespace sapnet::train::codecs {
namespace {

constexpr std::size_t kSignature = 8, kChunkFrame = 12;  // length, type and CRC around a chunk's data

std::uint32_t big_endian(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

struct Ihdr {
  std::int64_t width = 0, height = 0;
  int bit_depth = 0, colour_type = 0;
  bool interlaced = false;

  bool palette() const { return colour_type == 3; }

  int channels() const {  // as stored
    constexpr std::array<int, 7> of_type = {1, 0, 3, 1, 2, 0, 4};
    return of_type[static_cast<std::size_t>(colour_type)];
  }
};

Ihdr parse_ihdr(Bytes data, const std::string& name) {
  if (data.size() != 13) throw Error(name + ": damaged PNG: its IHDR chunk has the wrong length");
  const Ihdr ihdr{big_endian(data, 0), big_endian(data, 4), data[8], data[9], data[12] == 1};
  check_size(ihdr.width, ihdr.height, name);
  const std::string_view depths = ihdr.colour_type == 0   ? std::string_view("\1\2\4\10\20")
                                  : ihdr.colour_type == 3 ? std::string_view("\1\2\4\10")
                                  : ihdr.colour_type == 2 || ihdr.colour_type == 4 || ihdr.colour_type == 6
                                      ? std::string_view("\10\20")
                                      : std::string_view();
  if (depths.find(static_cast<char>(ihdr.bit_depth)) == std::string_view::npos) {
    throw Error(name + ": damaged PNG: colour type " + std::to_string(ihdr.colour_type) + " with " +
                std::to_string(ihdr.bit_depth) + " bits is invalid");
  }
  if (data[10] != 0 || data[11] != 0 || data[12] > 1) {
    throw Error(name + ": damaged PNG: unknown compression, filter or interlace method");
  }
  return ihdr;
}

/// Inflated size of the IDAT chunks: a filter byte and packed samples for each row of each pass.
std::uint64_t raw_size(const Ihdr& ihdr) {
  const auto bits = static_cast<std::uint64_t>(ihdr.bit_depth) * static_cast<std::uint64_t>(ihdr.channels());
  const auto pass_size = [&](std::int64_t x0, std::int64_t y0, std::int64_t dx, std::int64_t dy) {
    const auto width = static_cast<std::uint64_t>((ihdr.width - x0 + dx - 1) / dx);
    const auto height = static_cast<std::uint64_t>((ihdr.height - y0 + dy - 1) / dy);
    return width == 0 ? 0 : height * (1 + (width * bits + 7) / 8);
  };
  if (!ihdr.interlaced) return pass_size(0, 0, 1, 1);
  return pass_size(0, 0, 8, 8) + pass_size(4, 0, 8, 8) + pass_size(0, 4, 4, 8) + pass_size(2, 0, 4, 4) +
         pass_size(0, 2, 2, 4) + pass_size(1, 0, 2, 2) + pass_size(0, 1, 1, 2);
}

/// Inflates and discards the pixels, to find damage and decompression bombs.
void check_pixels(Bytes idat, std::uint64_t expected, const std::string& name) {
  // Some encoders append a few extra bytes, which all decoders ignore.
  const std::uint64_t limit = 2 * expected + 4096;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw Error(name + ": not enough memory to inflate it");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(idat.data());  // zlib does not write there
  stream.avail_in = static_cast<uInt>(idat.size());
  std::array<std::uint8_t, 1 << 15> scratch;
  std::uint64_t total = 0;
  int result = Z_OK;
  while (result == Z_OK && total <= limit) {
    stream.next_out = scratch.data();
    stream.avail_out = static_cast<uInt>(scratch.size());
    result = inflate(&stream, Z_NO_FLUSH);
    total += scratch.size() - stream.avail_out;
  }
  if (total > limit) throw Error(name + ": damaged PNG: it holds more pixels than its header says");
  if (result != Z_STREAM_END) throw Error(name + ": damaged PNG: its compressed pixels are corrupt");
  if (total < expected) throw Error(name + ": damaged PNG: it holds fewer pixels than its header says");
}

void append_chunk(std::vector<std::uint8_t>& png, std::string_view type, Bytes data) {
  const auto append_word = [&](std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) png.push_back(static_cast<std::uint8_t>(word >> shift));
  };
  append_word(static_cast<std::uint32_t>(data.size()));
  png.insert(png.end(), type.begin(), type.end());
  png.insert(png.end(), data.begin(), data.end());
  append_word(0);  // the CRC, which stb does not check
}

/// The chunks of a file that matter.
struct Chunks {
  Bytes ihdr, palette, transparency, exif;
  std::vector<std::uint8_t> idat;
  bool ended = false;
};

void take(Chunks& chunks, std::string_view type, Bytes data, const std::string& name) {
  if (chunks.ihdr.empty() != (type == "IHDR")) {
    throw Error(name + ": damaged PNG: it must begin with its only IHDR chunk");
  }
  const bool before_pixels = chunks.idat.empty();
  if (type == "IHDR") {
    chunks.ihdr = data;
  } else if (type == "PLTE") {
    if (data.empty() || data.size() % 3 != 0 || data.size() > 768 || !before_pixels ||
        !chunks.palette.empty()) {
      throw Error(name + ": damaged PNG: its palette is unusable");
    }
    chunks.palette = data;
  } else if (type == "tRNS" && before_pixels) {
    chunks.transparency = data;
  } else if (type == "eXIf") {
    chunks.exif = data;
  } else if (type == "IDAT") {
    chunks.idat.insert(chunks.idat.end(), data.begin(), data.end());
  } else if (type == "IEND") {
    chunks.ended = true;
  } else if ((type[0] & 0x20) == 0) {
    throw Error(name + ": its PNG chunk " + std::string(type) + " is critical but unknown");
  }
}

Chunks read_chunks(Bytes bytes, const std::string& name) {
  Chunks chunks;
  for (std::size_t at = kSignature; !chunks.ended;) {
    if (bytes.size() - at < kChunkFrame) throw Error(name + ": truncated PNG: it ends without an IEND chunk");
    const std::size_t length = big_endian(bytes, at);
    const std::string_view type(reinterpret_cast<const char*>(bytes.data()) + at + 4, 4);
    if (!std::ranges::all_of(type, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); })) {
      throw Error(name + ": damaged PNG: a chunk's type is not made of letters");
    }
    if (length > bytes.size() - at - kChunkFrame) {
      throw Error(name + ": truncated PNG: it ends inside its " + std::string(type) + " chunk");
    }
    const auto crc = crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4));
    if (crc != big_endian(bytes, at + 8 + length)) {
      throw Error(name + ": damaged PNG: the checksum of its " + std::string(type) + " chunk is wrong");
    }
    take(chunks, type, bytes.subspan(at + 8, length), name);
    at += kChunkFrame + length;
  }
  return chunks;
}

}  // namespace

Header check_png(Bytes bytes, const std::string& name, std::vector<std::uint8_t>& essential) {
  if (bytes.size() < kSignature || std::memcmp(bytes.data(), "\x89PNG\r\n\x1a\n", kSignature) != 0) {
    throw Error(name + ": damaged PNG: its signature is wrong");
  }
  const Chunks chunks = read_chunks(bytes, name);
  const Ihdr ihdr = parse_ihdr(chunks.ihdr, name);
  if (ihdr.palette() && chunks.palette.empty()) throw Error(name + ": damaged PNG: it has no palette");
  const std::size_t transparency = chunks.transparency.size();
  const bool keyed = (ihdr.colour_type == 0 && transparency == 2) ||
                     (ihdr.colour_type == 2 && transparency == 6) ||
                     (ihdr.palette() && transparency > 0 && transparency <= chunks.palette.size() / 3);
  if (transparency > 0 && !keyed) throw Error(name + ": damaged PNG: its tRNS chunk has the wrong length");
  check_pixels(chunks.idat, raw_size(ihdr), name);

  essential.assign(bytes.begin(), bytes.begin() + kSignature);
  essential.reserve(chunks.idat.size() + 2048);
  append_chunk(essential, "IHDR", chunks.ihdr);
  if (ihdr.palette()) {
    // All 256 colours: stb reads uninitialised memory for a pixel beyond a shorter palette.
    std::array<std::uint8_t, 768> palette{};
    std::ranges::copy(chunks.palette, palette.begin());
    append_chunk(essential, "PLTE", palette);
  }
  if (keyed) append_chunk(essential, "tRNS", chunks.transparency);
  append_chunk(essential, "IDAT", chunks.idat);
  append_chunk(essential, "IEND", {});

  int orientation = 1;
  if (!chunks.exif.empty()) {
    std::vector<std::uint8_t> exif = {'E', 'x', 'i', 'f', 0, 0};
    exif.insert(exif.end(), chunks.exif.begin(), chunks.exif.end());
    orientation = exif_orientation(exif);
  }
  const int channels = (ihdr.palette() ? 3 : ihdr.channels()) + (keyed ? 1 : 0);
  return {static_cast<int>(ihdr.width), static_cast<int>(ihdr.height), channels, orientation,
          ihdr.bit_depth == 16};
}

}  // namespace sapnet::train::codecs
