// The commands of sapnet-bench. Each prints one JSON object on stdout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

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
  std::int64_t width = 0, height = 0;
  engine::Device device = engine::Device::kCpu;
  int threads = 1;
  int repeat = 5;
};

/// Times each operation at the shapes that it has in SAPNet: on the CPU fast and strict, on a GPU fp32 and
/// fp16.
void bench_kernels(const KernelsOptions& options);

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
