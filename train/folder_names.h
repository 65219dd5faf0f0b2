// Short names for folders.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// A name for each folder: its last component, with as many of those before it as tell it from the others,
/// such as "rain100L/test" beside "rain100H/test"; the same folder again gets a number. Commas, quotes and
/// control characters, which a CSV file has a use for, become "_".
std::vector<std::string> folder_names(const std::vector<std::filesystem::path>& folders);

}  // namespace sapnet::train
