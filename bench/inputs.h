// What is timed on: files of bench/compare.py, or noise.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace sapnet::bench {

/// Raw little-endian fp32. Throws Error naming the file when it does not hold exactly `count` numbers.
std::vector<float> read_input(const std::filesystem::path& file, std::size_t count);

/// Numbers in [0, 1), the same each time.
std::vector<float> noise(std::size_t count);

}  // namespace sapnet::bench
