#include "train/image/folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>

#include "engine/error.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Removes the number at the start of `text` and returns it without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

/// Natural order: digits compare as numbers; names that differ only in leading zeros compare as text.
bool natural_less(const fs::path& a, const fs::path& b) {
  std::string_view left = a.native(), right = b.native();
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const std::string_view first = take_number(left), second = take_number(right);
      if (first.size() != second.size()) return first.size() < second.size();
      if (first != second) return first < second;
    } else {
      if (left.front() != right.front()) return left.front() < right.front();
      left.remove_prefix(1);
      right.remove_prefix(1);
    }
  }
  if (left.empty() != right.empty()) return left.empty();
  return a.native() < b.native();
}

}  // namespace

std::string extension_of(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_image(const fs::path& file) {
  constexpr std::array kRead = {".png", ".jpg", ".jpeg", ".bmp"};
  return std::ranges::find(kRead, extension_of(file)) != kRead.end();
}

Listing list_images(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& file = entry->path();
    std::error_code gone;
    if (file.filename().string().front() == '.') continue;
    if (fs::is_directory(file, gone)) {
      ++listing.folders;
    } else if (is_image(file)) {
      listing.images.push_back(file);
    } else {
      ++listing.other_files;
    }
  }
  if (error) throw Error(folder.string() + ": cannot be listed: " + error.message());
  std::ranges::sort(listing.images, natural_less);
  return listing;
}

}  // namespace sapnet::train
