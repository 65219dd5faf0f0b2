// Files that appear whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace sapnet::engine {

/// Writes to `.NAME.tmp-PID` beside the file and renames it in finish(), so that nobody ever sees half a
/// file and an old one survives a failure. Destroyed unfinished, it removes the temporary file.
/// Every member throws Error naming the file and the reason: no such folder, no permission, disk full.
class OutputFile {
 public:
  /// Throws too when `file` exists and is not a regular file: a rename would replace the device or folder.
  explicit OutputFile(std::filesystem::path file);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::uint8_t> bytes);
  /// Brings the bytes to disk and gives the file its name.
  void finish();

 private:
  std::filesystem::path file_;
  std::filesystem::path temporary_;  // empty once renamed
  int descriptor_ = -1;
};

/// Removes the temporary file of every unfinished OutputFile: for a program that a signal is about to end.
void remove_unfinished_files();

}  // namespace sapnet::engine
