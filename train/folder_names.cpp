#include "train/folder_names.h"

#include <algorithm>
#include <iterator>

namespace sapnet::train {
namespace {

using Components = std::vector<std::string>;

/// Path components without the root, made safe for a CSV file.
Components components_of(const std::filesystem::path& folder) {
  Components components;
  for (const auto& part : folder.lexically_normal().relative_path()) {
    std::string name = part.string();
    std::ranges::replace_if(
        name, [](char c) { return c == ',' || c == '"' || static_cast<unsigned char>(c) < ' '; }, '_');
    if (!name.empty()) components.push_back(name);
  }
  return components;
}

/// The last `count` components, or all.
std::string end_of(const Components& components, std::size_t count) {
  std::string name;
  for (std::size_t k = components.size() - std::min(count, components.size()); k < components.size(); ++k)
    name += (name.empty() ? "" : "/") + components[k];
  return name;
}

}  // namespace

std::vector<std::string> folder_names(const std::vector<std::filesystem::path>& folders) {
  std::vector<Components> all;
  std::ranges::transform(folders, std::back_inserter(all), components_of);
  std::vector<std::string> names;
  for (const Components& components : all) {
    std::size_t count = 1;
    const auto shared = [&](const Components& other) {
      return end_of(other, count) == end_of(components, count);
    };
    while (count < components.size() && std::ranges::count_if(all, shared) > 1) ++count;
    const std::string name = end_of(components, count);
    std::string numbered = name;
    for (int number = 2; std::ranges::find(names, numbered) != names.end(); ++number)
      numbered = name + "-" + std::to_string(number);
    names.push_back(numbered);
  }
  return names;
}

}  // namespace sapnet::train
