// libFuzzer: any bytes are an image or an Error. Seeds: tests/train/image/images.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"
#include "train/image/image.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Bytes = std::vector<std::uint8_t>;

// Rebuilt pixels are at least this long: the reader tolerates some bytes too many, so that mutated sizes
// keep finding enough of them.
constexpr std::size_t kRawSize = 4096;

constexpr std::size_t kMemory = std::size_t{1} << 30;  // of the 2 GiB that ./dev fuzz allows

std::size_t big_endian(const Bytes& bytes, std::size_t at) {
  return static_cast<std::size_t>(bytes[at]) << 24 | static_cast<std::size_t>(bytes[at + 1]) << 16 |
         static_cast<std::size_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

void append_word(Bytes& bytes, std::size_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
}

void append_chunk(Bytes& png, const Bytes& type_and_data) {
  append_word(png, type_and_data.size() - 4);
  png.insert(png.end(), type_and_data.begin(), type_and_data.end());
  append_word(png, crc32(0, type_and_data.data(), static_cast<uInt>(type_and_data.size())));
}

Bytes inflate_some(const Bytes& compressed) {
  Bytes raw(kRawSize);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return raw;
  stream.next_in = const_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = raw.data();
  stream.avail_out = static_cast<uInt>(raw.size());
  inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return raw;
}

/// The same PNG with correct checksums and optionally mutated pixels, which plain mutation cannot produce.
Bytes rebuild(const Bytes& png, bool mutate_pixels) {
  Bytes result(png.begin(), png.begin() + 8), compressed;
  std::vector<Bytes> chunks;
  for (std::size_t at = 8; png.size() - at >= 12;) {
    const std::size_t length = std::min(big_endian(png, at), png.size() - at - 12);
    const auto* first = png.data() + at + 4;
    if (std::memcmp(first, "IDAT", 4) == 0 && mutate_pixels) {
      compressed.insert(compressed.end(), first + 4, first + 4 + length);
    } else if (std::memcmp(first, "IEND", 4) != 0) {
      chunks.emplace_back(first, first + 4 + length);
    }
    at += 12 + length;
  }
  for (const Bytes& chunk : chunks) append_chunk(result, chunk);
  if (mutate_pixels) {
    Bytes raw = inflate_some(compressed);
    LLVMFuzzerMutate(raw.data(), raw.size(), raw.size());
    Bytes idat(4 + compressBound(static_cast<uLong>(raw.size())));
    std::memcpy(idat.data(), "IDAT", 4);
    uLongf size = idat.size() - 4;
    compress2(idat.data() + 4, &size, raw.data(), static_cast<uLong>(raw.size()), 1);
    idat.resize(4 + size);
    append_chunk(result, idat);
  }
  append_chunk(result, {'I', 'E', 'N', 'D'});
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    sapnet::train::decode_image({data, size}, "fuzz", kMemory);
  } catch (const sapnet::Error&) {
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  const auto kind = random() % 4;
  if (kind < 3) size = LLVMFuzzerMutate(data, size, max_size);
  if (kind == 0 || size < 33 || std::memcmp(data, "\x89PNG\r\n\x1a\n", 8) != 0) return size;
  const Bytes rebuilt = rebuild(Bytes(data, data + size), kind >= 2);
  if (rebuilt.size() > max_size) return size;
  std::ranges::copy(rebuilt, data);
  return rebuilt.size();
}
