// Which picture goes where.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/options.h"

namespace sapnet::apps {

struct PictureTask {
  std::filesystem::path input, output;
};

/// Lists the pictures that the command line names, folders' in the order of their names, each with the file
/// it becomes; creates the output folder. Throws Error when there is nothing to do, or when an output would
/// overwrite an input, a reference or another output.
std::vector<PictureTask> plan_pictures(const InferOptions& options);

/// The rain-free pictures of --reference.
class References {
 public:
  /// `file` is a folder, or the picture itself when there is one task. Throws Error when it is neither.
  References(const std::filesystem::path& file, std::size_t tasks);

  /// The reference of an input: the picture of its name, whatever the extensions, or norain-N for rain-N.
  /// Throws Error when there is none.
  std::filesystem::path find(const std::filesystem::path& input) const;

 private:
  std::filesystem::path path_;
  bool folder_;
  std::map<std::string, std::filesystem::path> by_stem_;
};

}  // namespace sapnet::apps
