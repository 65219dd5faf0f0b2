#include "train/image/pairs.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "engine/error.h"
#include "train/image/folder.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRainy = "rain-", kClean = "norain-";
constexpr const char *kRainyFolder = "rain", *kCleanFolder = "clean";

bool in_two_folders(const fs::path& folder) {
  return fs::is_directory(folder / kRainyFolder) && fs::is_directory(folder / kCleanFolder);
}

std::string stem_of(const fs::path& file) { return file.stem().string(); }

/// Matches each rainy image with its clean one; none may be left over.
std::vector<Pair> match(const std::vector<fs::path>& rainy, const std::vector<fs::path>& clean) {
  std::map<std::string, fs::path> unused;  // clean ones, by stem
  for (const auto& file : clean) {
    const auto [same, fresh] = unused.emplace(stem_of(file), file);
    if (!fresh)
      throw Error(same->second.string() + " and " + file.string() +
                  " both match the same rainy image; remove one");
  }
  std::vector<Pair> pairs;
  for (const auto& file : rainy) {
    auto found = unused.end();
    for (const auto& stem : clean_stems(stem_of(file)))
      if (found == unused.end()) found = unused.find(stem);
    if (found == unused.end()) throw Error(file.string() + ": has no clean image of the same name");
    pairs.push_back({file, found->second});
    unused.erase(found);
  }
  if (!unused.empty()) throw Error(unused.begin()->second.string() + ": has no rainy image of the same name");
  return pairs;
}

}  // namespace

std::vector<std::string> clean_stems(const std::string& rainy_stem) {
  std::vector<std::string> stems = {rainy_stem};
  if (rainy_stem.starts_with(kRainy)) stems.push_back("no" + rainy_stem);
  return stems;
}

bool holds_pairs(const fs::path& folder) {
  if (in_two_folders(folder)) return true;
  return std::ranges::any_of(list_images(folder).images, [](const fs::path& file) {
    return stem_of(file).starts_with(kRainy) || stem_of(file).starts_with(kClean);
  });
}

std::vector<Pair> find_pairs(const fs::path& folder) {
  std::vector<Pair> pairs;
  if (in_two_folders(folder)) {
    pairs = match(list_images(folder / kRainyFolder).images, list_images(folder / kCleanFolder).images);
  } else {
    std::vector<fs::path> rainy_files, clean_files;
    for (const auto& file : list_images(folder).images) {
      const std::string stem = stem_of(file);
      if (stem.starts_with(kRainy)) {
        rainy_files.push_back(file);
      } else if (stem.starts_with(kClean)) {
        clean_files.push_back(file);
      }
    }
    pairs = match(rainy_files, clean_files);
  }
  if (pairs.empty()) {
    throw Error(folder.string() + ": has no pairs, neither in rain/ and clean/ nor as rain-N and norain-N");
  }
  return pairs;
}

}  // namespace sapnet::train
