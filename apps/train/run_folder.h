// The folder of a training run.
#pragma once

#include <filesystem>

namespace sapnet::apps {

/// Locks the folder for one run. Creates it if missing, and the destructor removes it again if it created it
/// and it is still empty.
class RunFolder {
 public:
  /// Throws UsageError if another run has the lock, Error if the folder cannot be created.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Checks that a new run overwrites nothing. Throws UsageError naming a file that it would overwrite.
  void refuse_to_overwrite() const;

 private:
  std::filesystem::path folder_;
  bool created_ = false;
  int descriptor_ = -1;
};

}  // namespace sapnet::apps
