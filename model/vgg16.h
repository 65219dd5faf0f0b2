// The convolutions of VGG-16 (Simonyan & Zisserman 2015, configuration D), frozen, as an eye for how alike
// images look: its maps are what the losses of SAPNet's section 3.4 compare.
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
  /// Where torchvision's files keep them: features.0.weight to features.28.bias.
  static constexpr std::string_view kPrefix = "features.";

  /// parameters: those whose names begin with kPrefix; they may end after any block, which leaves as many
  /// taps. Throws Error when they do not have even the first, or there are others among them.
  Vgg16(const engine::Parameters& parameters, const engine::Execution& execution);

  /// Of the five, how many the weights reach.
  std::size_t taps() const { return blocks_.size(); }

  /// The first `taps` taps: (n, h, w, 64), (n, h/2, w/2, 128), …, stored as execution.maps. images: (n, h,
  /// w, 3), normalised, fp32. Throws Error when there are not as many, or the image is too small for them.
  std::vector<engine::Tensor> features(const engine::Tensor& images, std::size_t taps) const;

 private:
  std::vector<std::vector<engine::Conv2dWeights>> blocks_;
  engine::DType maps_;
};

}  // namespace sapnet::model
