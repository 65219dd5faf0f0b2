// Loads the frozen networks of perceptual losses and metrics.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "engine/execution.h"
#include "engine/tensor.h"
#include "model/lpips.h"
#include "model/vgg16.h"

namespace sapnet::train {

/// Normalises images (n, h, w, 3), RGB in [0, 1], by ImageNet's mean and standard deviation (torchvision's
/// constants; LPIPS's are equivalent).
engine::Tensor normalized(const engine::Tensor& image);

/// The functions below throw Error, naming the file, if it cannot be read, is damaged, or belongs to another
/// network.

/// Reads the convolutions from torchvision's vgg16-397923af.pth, or from a safetensors file with the same
/// names, which may end after any block.
model::Vgg16 read_vgg16(const std::filesystem::path& file, const engine::Execution& execution);

/// Reads lpips_vgg_linear_v0.1.pth.
model::Lpips read_lpips(const std::filesystem::path& file, engine::Device device);

/// How many of the first `wanted` taps the weights cover: "all 5 taps" or "2 of 5 taps, to relu2_2".
std::string covered_taps(const model::Vgg16& vgg, std::size_t wanted = model::Vgg16::kTaps);

/// Minimum image side for that many taps; each tap after the first halves the resolution.
constexpr int smallest_side(std::size_t taps) { return 1 << (taps - 1); }

/// The LPIPS metric.
class LpipsMetric {
 public:
  LpipsMetric(const std::filesystem::path& vgg, const std::filesystem::path& linear, engine::Device device);

  /// LPIPS between two images (height, width, 3), RGB in [0, 1]; 0 if equal. Throws Error if they are too
  /// small.
  double operator()(std::span<const float> a, std::span<const float> b, int width, int height) const;

  const model::Vgg16& vgg() const { return vgg_; }
  /// Minimum image side.
  int smallest() const { return smallest_side(vgg_.taps()); }

 private:
  engine::Device device_;
  model::Vgg16 vgg_;
  model::Lpips lpips_;
};

}  // namespace sapnet::train
