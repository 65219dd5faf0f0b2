// Finds pairs of rainy and clean images.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// Two image files of the same scene, with and without rain.
struct Pair {
  std::filesystem::path rainy, clean;
};

/// The possible names, without extension, of a rainy image's clean counterpart: the same name or, as in
/// Rain100L and Rain100H, norain-N for rain-N.
std::vector<std::string> clean_stems(const std::string& rainy_stem);

/// Whether a folder contains pairs in the layout of find_pairs(), or parts of pairs.
bool holds_pairs(const std::filesystem::path& folder);

/// Finds the pairs in a folder, in natural order: images in the subfolders rain/ and clean/, matched by
/// clean_stems(), or without these subfolders, rain-N and norain-N in the folder itself. Throws Error if the
/// folder is missing or has no pairs, or if an image has no counterpart or more than one.
std::vector<Pair> find_pairs(const std::filesystem::path& folder);

}  // namespace sapnet::train
