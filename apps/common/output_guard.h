// Prevents a run from overwriting its inputs.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace sapnet::apps {

/// Tracks every file that a run reads or writes, with symbolic links resolved. `what` describes a file in
/// messages: "the input in/a.png", "--json a.json".
class OutputGuard {
 public:
  void reads(const std::string& what, const std::filesystem::path& file);

  /// Throws UsageError if the file is also read, written twice, or cannot be replaced: a folder, a device, or
  /// the program's own stdout or stderr. Call it after all calls of reads().
  void writes(const std::string& what, const std::filesystem::path& file);

 private:
  std::map<std::filesystem::path, std::string> read_, written_;
};

}  // namespace sapnet::apps
