// Reads zip archives with uncompressed entries, as PyTorch writes them.
#pragma once

#include <string_view>
#include <unordered_map>

#include "weights/byte_reader.h"

namespace sapnet::weights {

/// The directory of a zip archive (zip64 included) in memory.
class ZipArchive {
 public:
  struct Entry {
    std::uint16_t flags, method;
    std::uint32_t crc32;
    std::uint64_t stored_size, size, header_position;
  };

  /// Reads the directory. Throws Error, naming `source`, if it is missing or damaged.
  ZipArchive(Bytes bytes, const std::string& source);

  /// Entries by full name; the names point into the archive.
  const std::unordered_map<std::string_view, Entry>& entries() const { return entries_; }

  /// The bytes of an entry, with their checksum verified; not a copy. Throws Error if the entry does not
  /// exist, is compressed or encrypted, or is damaged.
  Bytes read(std::string_view name) const;

 private:
  struct Directory {
    std::uint64_t entry_count, size, position;
  };
  Directory find_directory();
  void read_entry();

  ByteReader reader_;
  Bytes bytes_;
  std::unordered_map<std::string_view, Entry> entries_;
};

}  // namespace sapnet::weights
