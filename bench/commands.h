// The commands of sapnet-bench. Each prints one JSON object on stdout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace sapnet::bench {

struct NetworkOptions {
  std::filesystem::path weights;
  std::int64_t width = 0, height = 0;
  int threads = 1;
  int repeat = 5;
  bool strict = false;
  std::optional<std::filesystem::path> input;   // raw little-endian fp32 (h, w, 3); without it, noise
  std::optional<std::filesystem::path> output;  // where to write the result, in the same layout
};

/// Times a whole forward pass on the CPU. Throws Error for files that do not fit.
void bench_network(const NetworkOptions& options);

struct KernelsOptions {
  std::int64_t width = 0, height = 0;
  int threads = 1;
  int repeat = 5;
};

/// Times each operation at the shapes that it has in SAPNet, fast and strict.
void bench_kernels(const KernelsOptions& options);

}  // namespace sapnet::bench
