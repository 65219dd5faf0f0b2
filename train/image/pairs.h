// Finds pairs of rainy and clean images.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// Two files of one scene, with and without rain.
struct Pair {
  std::filesystem::path rainy, clean;
};

/// The names, without extension, that the clean image of a rainy one may have: the same, or, as in Rain100L
/// and Rain100H, norain-N for rain-N.
std::vector<std::string> clean_stems(const std::string& rainy_stem);

/// Whether a folder has pairs as find_pairs() expects them, or parts of pairs.
bool holds_pairs(const std::filesystem::path& folder);

/// The pairs of a folder, in natural order: in its subfolders rain/ and clean/ under the names of
/// clean_stems(), or without these, rain-N and norain-N in the folder itself. Throws Error if the folder is
/// missing or has no pairs, or if an image has no partner or two.
std::vector<Pair> find_pairs(const std::filesystem::path& folder);

}  // namespace sapnet::train
