// The commands of sapnet-bench. Each prints one JSON object on stdout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::bench {

struct NetworkOptions {
  std::filesystem::path weights;
  std::int64_t width = 0, height = 0;
  engine::Device device = engine::Device::kCpu;
  engine::DType maps = engine::DType::kFloat32;
  int threads = 1;
  int repeat = 5;
  bool strict = false;
  std::optional<std::filesystem::path> input;   // raw little-endian fp32 (h, w, 3); default: noise
  std::optional<std::filesystem::path> output;  // output file, in the same layout
};

/// Times a forward pass. Throws Error if the size of a file does not match.
void bench_network(const NetworkOptions& options);

struct KernelsOptions {
  engine::Device device = engine::Device::kCpu;
  int threads = 1;
  int repeat = 5;
  bool strict = false;
  bool small = false;  // use small maps, to test the program
  std::string filter;  // only cases whose name contains this
  /// Skips larger maps; 0: the default, which skips large images on the CPU and nothing on a GPU.
  std::int64_t max_pixels = 0;
  double seconds = 1e9;  // no case is started after this time
};

/// Times each operation of bench/kernels/cases.h; on a GPU in fp16 and fp32, compared with cuDNN if it is
/// available.
void bench_kernels(KernelsOptions options);

/// Weight files for the perceptual losses.
struct PerceptionFiles {
  std::filesystem::path vgg, lpips;
};

struct StepOptions {
  std::filesystem::path weights;
  std::optional<PerceptionFiles> perception;  // set: all four losses; else -SSIM
  std::int64_t batch = 12, patch = 100;       // as in the paper
  engine::Device device = engine::Device::kCpu;
  engine::DType maps = engine::DType::kFloat32;
  int threads = 1;
  int repeat = 3;
  std::optional<std::filesystem::path>
      input;  // raw fp32 (2, batch, patch, patch, 3), rainy and clean; default: noise
};

/// Times a whole training step including host work: forward, losses, backward, Adam.
void bench_step(const StepOptions& options);

struct VggOptions {
  std::filesystem::path weights;
  std::int64_t batch = 12, patch = 100;  // as in the paper
  engine::Device device = engine::Device::kCpu;
  engine::DType maps = engine::DType::kFloat32;
  int threads = 1;
  int repeat = 3;
  std::optional<std::filesystem::path> input;   // raw fp32 (batch, patch, patch, 3); default: noise
  std::optional<std::filesystem::path> output;  // file for the input gradient, in the same layout
};

/// Times VGG-16's convolutions, forward and backward to the images.
void bench_vgg(const VggOptions& options);

}  // namespace sapnet::bench
