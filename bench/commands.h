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
  std::optional<std::filesystem::path> input;   // raw little-endian fp32 (h, w, 3); without it, noise
  std::optional<std::filesystem::path> output;  // where to write the result, in the same layout
};

/// Times a whole forward pass. Throws Error for files that do not fit.
void bench_network(const NetworkOptions& options);

struct KernelsOptions {
  engine::Device device = engine::Device::kCpu;
  int threads = 1;
  int repeat = 5;
  bool strict = false;
  bool small = false;  // the same operations on small maps, to try the program itself
  std::string filter;  // what the name of a case must contain
  std::int64_t max_pixels =
      0;                 // maps of more are left out; 0: on the CPU those of large pictures, on a GPU none
  double seconds = 1e9;  // after which no further case is begun
};

/// Times each operation of bench/kernels/cases.h, on a GPU in fp16 and fp32, beside cuDNN where that is
/// there.
void bench_kernels(KernelsOptions options);

/// Weights of what the losses look through.
struct PerceptionFiles {
  std::filesystem::path vgg, lpips;
};

struct StepOptions {
  std::filesystem::path weights;
  std::optional<PerceptionFiles> perception;  // then all four losses count, else -SSIM
  std::int64_t batch = 12, patch = 100;       // the paper's
  engine::Device device = engine::Device::kCpu;
  engine::DType maps = engine::DType::kFloat32;
  int threads = 1;
  int repeat = 3;
  std::optional<std::filesystem::path>
      input;  // raw fp32 (2, batch, patch, patch, 3), rainy and clean; or noise
};

/// Times a whole training step, the host's part included: forward, losses, back, Adam.
void bench_step(const StepOptions& options);

struct VggOptions {
  std::filesystem::path weights;
  std::int64_t batch = 12, patch = 100;  // the paper's
  engine::Device device = engine::Device::kCpu;
  engine::DType maps = engine::DType::kFloat32;
  int threads = 1;
  int repeat = 3;
  std::optional<std::filesystem::path> input;   // raw fp32 (batch, patch, patch, 3); or noise
  std::optional<std::filesystem::path> output;  // where to write the gradient by it, in the same layout
};

/// Times VGG-16's convolutions, there and back to the pictures.
void bench_vgg(const VggOptions& options);

}  // namespace sapnet::bench
