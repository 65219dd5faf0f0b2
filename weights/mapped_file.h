// Memory-mapped files.
#pragma once

#include <filesystem>

#include "weights/byte_reader.h"

namespace sapnet::weights {

/// A whole file mapped read-only; pages are read from disk on first access. The file must not be truncated
/// while it is mapped.
class MappedFile {
 public:
  /// Throws Error if the file cannot be opened or is not a regular file.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  Bytes bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

 private:
  void* address_ = nullptr;  // null for an empty file
  std::size_t size_ = 0;
};

}  // namespace sapnet::weights
