// Short names for folders.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::train {

/// A unique name for each folder: its last path component, with as many parents as needed, such as
/// "rain100L/test" and "rain100H/test"; a repeated folder gets a number. Commas, quotes and control
/// characters, which are special in CSV files, are replaced by "_".
std::vector<std::string> folder_names(const std::vector<std::filesystem::path>& folders);

}  // namespace sapnet::train
