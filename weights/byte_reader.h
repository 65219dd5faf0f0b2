// A bounds-checked reader for the bytes of an untrusted file.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace sapnet::weights {

using Bytes = std::span<const std::byte>;

/// Quotes text from a file for a message; escapes unprintable bytes as \xNN, truncates long text.
std::string in_quotes(std::string_view text);

/// The same bytes as text, without a copy.
std::string_view as_text(Bytes bytes);

/// Reads little-endian integers and byte ranges sequentially, with bounds checks.
class ByteReader {
 public:
  /// `source` names the file in messages. The bytes must outlive the reader.
  ByteReader(Bytes bytes, std::string source) : bytes_(bytes), source_(std::move(source)) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t size() const { return bytes_.size(); }
  const std::string& source() const { return source_; }

  /// Throws Error if `position` is past the end.
  void seek(std::uint64_t position);

  /// The next `count` bytes. Throws Error if fewer are left.
  Bytes take(std::uint64_t count);

  template <std::unsigned_integral T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  /// Throws Error "SOURCE: MESSAGE".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  Bytes bytes_;
  std::string source_;
  std::uint64_t position_ = 0;
};

}  // namespace sapnet::weights
