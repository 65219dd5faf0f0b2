#include "weights/byte_reader.h"

#include <bit>

#include "engine/error.h"

namespace sapnet::weights {

static_assert(std::endian::native == std::endian::little,
              "weight files are little-endian and copied as they are");

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  constexpr char kHex[] = "0123456789abcdef";
  std::string result = "'";
  for (const char c : text.substr(0, kLongest)) {
    if (c >= 0x20 && c < 0x7f) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += "\\x";
      result += kHex[byte >> 4];
      result += kHex[byte & 15];
    }
  }
  return result + (text.size() > kLongest ? "…'" : "'");
}

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void ByteReader::seek(std::uint64_t position) {
  if (position > bytes_.size())
    fail("the file points to byte " + std::to_string(position) + " but ends at byte " +
         std::to_string(bytes_.size()));
  position_ = position;
}

Bytes ByteReader::take(std::uint64_t count) {
  if (count > bytes_.size() - position_)
    fail("the file is truncated: " + std::to_string(count) + " bytes wanted at byte " +
         std::to_string(position_) + ", " + std::to_string(bytes_.size() - position_) + " left");
  const Bytes taken = bytes_.subspan(position_, count);
  position_ += count;
  return taken;
}

void ByteReader::fail(const std::string& message) const { throw Error(source_ + ": " + message); }

}  // namespace sapnet::weights
