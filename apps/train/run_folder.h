// The folder of a training run.
#pragma once

#include <filesystem>

namespace sapnet::apps {

/// Locks the folder for one run. Creates the folder if it is missing; the destructor then removes it if it is
/// still empty.
class RunFolder {
 public:
  /// Throws UsageError if another run has the lock, Error if the folder cannot be created.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Throws UsageError, naming the file, if a new run would overwrite a file.
  void refuse_to_overwrite() const;

 private:
  std::filesystem::path folder_;
  bool created_ = false;
  int descriptor_ = -1;
};

}  // namespace sapnet::apps
