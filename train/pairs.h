// Which clean picture goes with which rainy one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// Two files that show the same with and without rain.
struct Pair {
  std::filesystem::path rainy, clean;
};

/// What the clean picture of a rainy one may be called, without extension: as that one, or, as in Rain100L
/// and Rain100H, norain-N for rain-N.
std::vector<std::string> clean_stems(const std::string& rainy_stem);

/// The folder holds pairs, as find_pairs() looks for them, or some of what they consist of.
bool holds_pairs(const std::filesystem::path& folder);

/// The pairs of a folder, in natural order. Its folders rain/ and clean/ hold pictures of such names;
/// without these two, it holds rain-N and norain-N itself. Throws Error when the folder is missing or has no
/// pair, when a picture has no partner, and when two could be the partner.
std::vector<Pair> find_pairs(const std::filesystem::path& folder);

}  // namespace sapnet::train
