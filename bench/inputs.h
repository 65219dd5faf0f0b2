// What is timed on, files of bench/compare.py or noise, and what comes out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::bench {

/// Raw little-endian fp32. Throws Error naming the file when it does not hold exactly `count` numbers.
std::vector<float> read_input(const std::filesystem::path& file, std::size_t count);

/// Writes such a file. Throws Error naming it.
void write_output(const std::filesystem::path& file, const engine::Tensor& tensor);

/// Numbers in [0, 1), the same each time.
std::vector<float> noise(std::size_t count);

}  // namespace sapnet::bench
