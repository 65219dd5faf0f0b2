// The output folder of a batch.
#pragma once

#include <filesystem>
#include <vector>

#include "apps/common/plan.h"

namespace sapnet::apps {

/// Creates the output folder of a plan and missing parent folders; the destructor removes created folders
/// that are still empty.
class OutputFolder {
 public:
  /// Throws UsageError if a file is in the way, Error if the folder cannot be created or written to.
  explicit OutputFolder(const Plan& plan);
  ~OutputFolder() { remove_empty(); }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  void remove_empty();

 private:
  void create(const std::filesystem::path& folder);

  std::vector<std::filesystem::path> created_;  // outermost first
};

}  // namespace sapnet::apps
