// Atomic file writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace sapnet::files {

/// Writes to `.NAME.tmp-PID` next to the file and renames it in finish(), so readers never see a partial file
/// and an existing file survives a failure. If destroyed before finish(), it removes the temporary file.
/// Symbolic links are followed, not replaced. Every member throws Error with the file name and the reason: no
/// such folder, no permission, disk full.
class OutputFile {
 public:
  /// Also throws if `file` exists and is not a regular file, since a rename would replace the device or
  /// folder.
  explicit OutputFile(std::filesystem::path file);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::uint8_t> bytes);
  /// Syncs the contents to disk and renames the file.
  void finish();

 private:
  std::filesystem::path file_;       // as given, for messages
  std::filesystem::path target_;     // with symbolic links resolved
  std::filesystem::path temporary_;  // empty once renamed
  int descriptor_ = -1;
};

/// Writes a whole file.
void write_file(const std::filesystem::path& file, std::string_view text);

/// The path that writing to `file` would replace: absolute, normalised, with symbolic links followed even to
/// targets that do not exist yet, so that equal files have equal paths. Throws Error for a link cycle.
std::filesystem::path resolve(const std::filesystem::path& file);

/// Removes temporary files in a folder that were left behind by killed processes.
void remove_abandoned_files(const std::filesystem::path& folder);

/// Removes the temporary file of every unfinished OutputFile, for use before a signal ends the process.
void remove_unfinished_files();

}  // namespace sapnet::files
