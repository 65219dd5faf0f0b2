// Files that appear whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace sapnet::engine {

/// Writes to `.NAME.tmp-PID` beside the file and renames it in finish(), so that nobody ever sees half a
/// file and an old one survives a failure. Destroyed unfinished, it removes the temporary file. A symbolic
/// link stays one: what it points to is written.
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
  std::filesystem::path file_;       // as it was named, for messages
  std::filesystem::path target_;     // where its links lead
  std::filesystem::path temporary_;  // empty once renamed
  int descriptor_ = -1;
};

/// A whole file at once.
void write_file(const std::filesystem::path& file, std::string_view text);

/// The file that writing to `file` replaces: its symbolic links followed, even to what does not exist yet,
/// absolute and without "." and "..", so that equal files are equal paths. Throws Error for links in a
/// circle.
std::filesystem::path resolve(const std::filesystem::path& file);

/// Removes the temporary files in a folder that no program is writing any more: theirs were killed.
void remove_abandoned_files(const std::filesystem::path& folder);

/// Removes the temporary file of every unfinished OutputFile: for a program that a signal is about to end.
void remove_unfinished_files();

}  // namespace sapnet::engine
