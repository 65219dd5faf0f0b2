#include <libexif/exif-data.h>

#include <cstring>
#include <memory>

#include "engine/error.h"
#include "train/image/codecs.h"

namespace sapnet::train::codecs {
namespace {

// Marker codes, ITU-T T.81 table B.1.
constexpr int kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA, kDht = 0xC4, kApp1 = 0xE1, kApp14 = 0xEE;

// Normal files have about ten; each costs a pass over the image.
constexpr int kMaxScans = 500;

bool is_frame(int marker) {  // SOF0 to SOF15, except DHT, JPG and DAC in between
  return marker >= 0xC0 && marker <= 0xCF && marker != kDht && marker != 0xC8 && marker != 0xCC;
}

bool is_bare(int marker) {  // without a segment: TEM, RST0 to RST7, SOI
  return marker == 0x01 || (marker >= 0xD0 && marker <= kSoi);
}

int big_endian(Bytes bytes, std::size_t at) { return bytes[at] << 8 | bytes[at + 1]; }

struct Frame {
  int width = 0, height = 0;
  int components = 0;  // 0: no frame header yet
};

Frame parse_frame(int marker, Bytes segment, const std::string& name) {
  if (marker > 0xC2) throw Error(name + ": a lossless, hierarchical or arithmetic-coded JPEG cannot be read");
  if (segment.size() < 6) throw Error(name + ": damaged JPEG: its frame header is too short");
  if (segment[0] != 8) {
    throw Error(name + ": a JPEG of " + std::to_string(segment[0]) + " bits per sample cannot be read");
  }
  const Frame frame{big_endian(segment, 3), big_endian(segment, 1), segment[5]};
  check_size(frame.width, frame.height, name);
  if (frame.components != 1 && frame.components != 3 && frame.components != 4) {
    throw Error(name + ": a JPEG of " + std::to_string(frame.components) +
                " colour components cannot be read");
  }
  if (segment.size() != 6 + 3 * static_cast<std::size_t>(frame.components)) {
    throw Error(name + ": damaged JPEG: its frame header has the wrong length");
  }
  return frame;
}

/// stb writes out of bounds if a table has more than 256 codes, or more than its lengths allow.
void check_huffman_tables(Bytes segment, const std::string& name) {
  while (!segment.empty()) {
    bool valid = segment.size() >= 17;
    std::size_t codes = 0;
    int free_codes = 1;  // of the current length
    for (std::size_t length = 1; valid && length <= 16; ++length) {
      free_codes = 2 * free_codes - segment[length];
      codes += segment[length];
      valid = free_codes >= 0;
    }
    if (!valid || codes > 256 || segment.size() < 17 + codes) {
      throw Error(name + ": damaged JPEG: a Huffman table is invalid");
    }
    segment = segment.subspan(17 + codes);
  }
}

/// The end of the entropy-coded data that starts at `at`: a marker other than RST0 to RST7.
std::size_t skip_scan(Bytes bytes, std::size_t at) {
  for (; at + 1 < bytes.size(); ++at) {
    const int next = bytes[at + 1];
    if (bytes[at] == 0xFF && next != 0 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7)) return at;
  }
  return bytes.size();
}

}  // namespace

Header check_jpeg(Bytes bytes, const std::string& name) {
  Frame frame;
  int orientation = 0, adobe_transform = -1, scans = 0;
  std::size_t at = 2;  // after SOI
  for (;;) {
    while (at < bytes.size() && bytes[at] != 0xFF) ++at;
    while (at < bytes.size() && bytes[at] == 0xFF) ++at;
    if (at >= bytes.size()) throw Error(name + ": truncated JPEG: it has no end marker");
    const int marker = bytes[at++];
    if (marker == kEoi) break;
    if (is_bare(marker) || marker == 0) throw Error(name + ": damaged JPEG: a marker is out of place");
    if (bytes.size() - at < 2) throw Error(name + ": truncated JPEG: it ends inside a segment");
    const auto length = static_cast<std::size_t>(big_endian(bytes, at));
    if (length < 2) throw Error(name + ": damaged JPEG: a segment's length is impossible");
    if (length > bytes.size() - at) throw Error(name + ": truncated JPEG: it ends inside a segment");
    const Bytes segment = bytes.subspan(at + 2, length - 2);
    at += length;

    if (is_frame(marker)) {
      if (frame.components != 0) throw Error(name + ": damaged JPEG: it has two frame headers");
      frame = parse_frame(marker, segment, name);
    } else if (marker == kDht) {
      check_huffman_tables(segment, name);
    } else if (marker == kApp1 && orientation == 0 && segment.size() > 6 &&
               std::memcmp(segment.data(), "Exif\0\0", 6) == 0) {
      orientation = exif_orientation(segment);
    } else if (marker == kApp14 && segment.size() >= 12 && std::memcmp(segment.data(), "Adobe\0", 6) == 0) {
      adobe_transform = segment[11];
    } else if (marker == kSos) {
      if (frame.components == 0) throw Error(name + ": damaged JPEG: pixels come before the frame header");
      if (++scans > kMaxScans) throw Error(name + ": damaged JPEG: it has too many scans");
      at = skip_scan(bytes, at);
    }
  }
  if (scans == 0) throw Error(name + ": damaged JPEG: it has no pixels");
  if (frame.components == 4 && adobe_transform != 0 && adobe_transform != 2) {
    throw Error(name + ": a JPEG of four colour components without Adobe's marker cannot be read");
  }
  // Each 8×8 block takes at least one bit; a larger claimed size would only waste memory.
  if (static_cast<std::uint64_t>(frame.width) * static_cast<std::uint64_t>(frame.height) >
      bytes.size() * 512) {
    throw Error(name + ": damaged JPEG: it is too short for " + std::to_string(frame.width) + "x" +
                std::to_string(frame.height) + " pixels");
  }
  return {frame.width, frame.height, frame.components == 1 ? 1 : 3, orientation == 0 ? 1 : orientation};
}

int exif_orientation(Bytes exif) {
  const std::unique_ptr<ExifData, void (*)(ExifData*)> data(exif_data_new(), exif_data_unref);
  if (!data) return 1;
  exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);  // that would rewrite tags
  exif_data_load_data(data.get(), exif.data(), static_cast<unsigned>(exif.size()));
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const int orientation = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

}  // namespace sapnet::train::codecs
