// Finds the images in a folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// The file's extension in lower case, such as ".png".
std::string extension_of(const std::filesystem::path& file);

/// Whether the file has an extension that can be read: .png, .jpg, .jpeg, .bmp.
bool is_image(const std::filesystem::path& file);

/// The contents of a folder without hidden files.
struct Listing {
  std::vector<std::filesystem::path> images;  // in natural order: rain-2 before rain-10
  std::size_t other_files = 0, folders = 0;
};

/// Throws Error if the folder cannot be listed.
Listing list_images(const std::filesystem::path& folder);

}  // namespace sapnet::train
