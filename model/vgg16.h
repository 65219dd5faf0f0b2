// The convolutions of VGG-16 (Simonyan & Zisserman 2015, configuration D), frozen: the feature extractor of
// the perceptual losses of SAPNet's section 3.4.
//
//   x = normalised image
//   for channels in 64, 128, 256, 512, 512:     2, 2, 3, 3, 3 times x = relu(conv 3×3 (x))
//     the last x is a tap; x = max_pool 2×2 (x)
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/parameters.h"
#include "engine/tensor.h"

namespace sapnet::model {

class Vgg16 {
 public:
  static constexpr std::size_t kTaps = 5;
  static constexpr std::array<std::string_view, kTaps> kTapNames = {"relu1_2", "relu2_2", "relu3_3",
                                                                    "relu4_3", "relu5_3"};
  static constexpr std::array<std::int64_t, kTaps> kTapChannels = {64, 128, 256, 512, 512};
  /// The prefix in torchvision's files: features.0.weight to features.28.bias.
  static constexpr std::string_view kPrefix = "features.";

  /// parameters: names begin with kPrefix; the file may end after any block and then has fewer taps. Throws
  /// Error if the first block is incomplete or there are unexpected tensors.
  Vgg16(const engine::Parameters& parameters, const engine::Execution& execution);

  /// How many of the five taps the weights cover.
  std::size_t taps() const { return blocks_.size(); }

  /// The first `taps` feature maps: (n, h, w, 64), (n, h/2, w/2, 128), …, stored as execution.maps. images:
  /// (n, h, w, 3), normalised, fp32. Throws Error if the weights cover fewer taps or the image is too small.
  std::vector<engine::Tensor> features(const engine::Tensor& images, std::size_t taps) const;

 private:
  std::vector<std::vector<engine::Conv2dWeights>> blocks_;
  engine::DType maps_;
};

}  // namespace sapnet::model
