// The folder that a run writes to.
#pragma once

#include <filesystem>
#include <vector>

#include "apps/plan.h"

namespace sapnet::apps {

/// Makes the folder that a plan's pictures go to, and those around it, when they are missing; destroyed, it
/// removes those that it made and that are still empty.
class OutputFolder {
 public:
  /// Throws UsageError when there is a file in the way, Error when the folder cannot be made or nothing can
  /// be written there.
  explicit OutputFolder(const Plan& plan);
  ~OutputFolder() { remove_empty(); }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  void remove_empty();

 private:
  void make(const std::filesystem::path& folder);

  std::vector<std::filesystem::path> made_;  // outermost first
};

}  // namespace sapnet::apps
