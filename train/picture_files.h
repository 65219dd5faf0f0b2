// Which files of a folder are pictures.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// The file's extension in small letters: ".png".
std::string extension_of(const std::filesystem::path& file);

/// Its extension is one of those that are read: .png, .jpg, .jpeg, .bmp.
bool is_picture(const std::filesystem::path& file);

/// What lies in a folder, hidden files apart.
struct Listing {
  std::vector<std::filesystem::path> pictures;  // in natural order: rain-2 before rain-10
  std::size_t other_files = 0, folders = 0;
};

/// Throws Error when the folder cannot be listed.
Listing list_pictures(const std::filesystem::path& folder);

}  // namespace sapnet::train
