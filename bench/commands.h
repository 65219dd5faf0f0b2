// The commands of sapnet-bench. Each prints one JSON object on stdout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::bench {

/// What the commands that run a whole network share.
struct RunOptions {
  std::filesystem::path weights;
  engine::Device device = engine::Device::kCpu;
  engine::DType maps = engine::DType::kFloat32;
  int threads = 1;
  int repeat = 3;
  std::optional<std::filesystem::path> input;  // raw little-endian fp32; default: noise
};

/// The same, on a batch of patches.
struct PatchRunOptions : RunOptions {
  std::int64_t batch = 12, patch = 100;  // the paper's
};

/// input: (h, w, 3).
struct NetworkOptions : RunOptions {
  std::int64_t width = 0, height = 0;
  bool strict = false;
  std::optional<std::filesystem::path> output;  // output file, in the layout of the input
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

/// input: (2, batch, patch, patch, 3), rainy and clean.
struct StepOptions : PatchRunOptions {
  std::optional<PerceptionFiles> perception;  // if set, all four losses, else -SSIM
};

/// Times a whole training step including host work: forward, losses, backward, Adam.
void bench_step(const StepOptions& options);

/// input: (batch, patch, patch, 3).
struct VggOptions : PatchRunOptions {
  std::optional<std::filesystem::path> output;  // file for the input gradient, in the layout of the input
};

/// Times VGG-16's convolutions, forward and backward to the images.
void bench_vgg(const VggOptions& options);

}  // namespace sapnet::bench
