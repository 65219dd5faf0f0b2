// The frozen networks that losses and scores look through, from their files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "engine/execution.h"
#include "engine/tensor.h"
#include "model/lpips.h"
#include "model/segmentation.h"
#include "model/vgg16.h"

namespace sapnet::train {

/// A picture (n, h, w, 3), RGB in [0, 1], with the mean and deviation of ImageNet's colours made 0 and 1:
/// torchvision's constants, which LPIPS states in another way.
engine::Tensor normalized(const engine::Tensor& picture);

/// All throw Error, naming the file, when it cannot be read, is damaged, or is of another network.

/// From torchvision's vgg16-397923af.pth, of which only the convolutions' part is read, or a safetensors file
/// of the same names, which may end after any block.
model::Vgg16 read_vgg16(const std::filesystem::path& file, const engine::Execution& execution);

/// From lpips_vgg_linear_v0.1.pth.
model::Lpips read_lpips(const std::filesystem::path& file, engine::Device device);

/// backbone: torchvision's resnet18, resnet50 or resnet101; when empty, weights drawn from the seed. The head
/// is always drawn.
model::Segmentation make_segmentation(int depth, const std::filesystem::path& backbone,
                                      model::NormStatistics statistics, std::uint64_t seed,
                                      const engine::Execution& execution);

/// Of the first `wanted` taps: "all 5 taps" or "2 of 5 taps, to relu2_2".
std::string covered_taps(const model::Vgg16& vgg, std::size_t wanted = model::Vgg16::kTaps);

/// Of a picture that has so many taps: a tap's maps are half as wide as those before.
constexpr int smallest_side(std::size_t taps) { return 1 << (taps - 1); }

/// LPIPS between pictures.
class LpipsMetric {
 public:
  LpipsMetric(const std::filesystem::path& vgg, const std::filesystem::path& linear, engine::Device device);

  /// Of two pictures (height, width, 3), RGB in [0, 1]; 0 for the same. Throws Error when they are too small.
  double operator()(std::span<const float> a, std::span<const float> b, int width, int height) const;

  const model::Vgg16& vgg() const { return vgg_; }
  /// The smallest side that a picture may have.
  int smallest() const { return smallest_side(vgg_.taps()); }

 private:
  engine::Device device_;
  model::Vgg16 vgg_;
  model::Lpips lpips_;
};

}  // namespace sapnet::train
