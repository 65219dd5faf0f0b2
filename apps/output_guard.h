// What a run must not overwrite.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace sapnet::apps {

/// Knows every file that a run reads or writes, by where their symbolic links lead. `what` names a file in
/// messages: "the input in/a.png", "--json a.json".
class OutputGuard {
 public:
  void reads(const std::string& what, const std::filesystem::path& file);

  /// Throws UsageError when the file is read, or written already, or cannot be replaced: a folder, a device,
  /// or where the program's own output goes. To be called after all of reads().
  void writes(const std::string& what, const std::filesystem::path& file);

 private:
  std::map<std::filesystem::path, std::string> read_, written_;
};

}  // namespace sapnet::apps
