// The rain-free images of --reference.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

namespace sapnet::apps {

/// Finds the reference of each input.
class References {
 public:
  /// file: a folder, or an image if there is only one task. Throws Error if it is neither.
  References(const std::filesystem::path& file, std::size_t tasks);

  /// The reference of an input: the image with the same name and any extension, or norain-N for rain-N.
  /// Throws Error if there is none.
  std::filesystem::path find(const std::filesystem::path& input) const;

 private:
  std::filesystem::path path_;
  bool folder_;
  std::map<std::string, std::filesystem::path> by_stem_;
};

}  // namespace sapnet::apps
