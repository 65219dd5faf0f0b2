// The folder of a training run.
#pragma once

#include <filesystem>

namespace sapnet::apps {

/// Keeps the folder for one run: no other can have it while this lives. Makes it when it is missing, and
/// removes it again when it stayed empty.
class RunFolder {
 public:
  /// Throws UsageError when another run has it, Error when it cannot be made.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// For a run that begins, which overwrites nothing: neither another's weights nor what it reads. Throws
  /// UsageError naming a file that it would.
  void refuse_to_overwrite() const;

 private:
  std::filesystem::path folder_;
  bool made_ = false;
  int descriptor_ = -1;
};

}  // namespace sapnet::apps
