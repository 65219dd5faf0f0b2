// A file seen as memory.
#pragma once

#include <filesystem>

#include "weights/byte_reader.h"

namespace sapnet::weights {

/// A whole file mapped read-only: pages are read from disk when they are touched, and only then. The file
/// must not be cut short while it is mapped.
class MappedFile {
 public:
  /// Throws Error when the file cannot be opened or is not a regular file.
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
