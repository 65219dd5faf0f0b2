// Benchmark inputs, either noise or files from bench/compare.py, and output files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::bench {

/// Reads raw little-endian fp32. Throws Error, naming the file, unless it holds exactly `count` values.
/// Without a file: noise, uniform in [0, 1), the same on every call.
std::vector<float> read_input(const std::optional<std::filesystem::path>& file, std::size_t count);

/// Writes a file in this format. Throws Error naming it.
void write_output(const std::filesystem::path& file, const engine::Tensor& tensor);

}  // namespace sapnet::bench
