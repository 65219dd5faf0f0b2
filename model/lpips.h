// LPIPS, the learned perceptual image patch similarity (Zhang et al. 2018), on VGG-16: at each tap the
// features of both images, made unit vectors along the channels, are subtracted, squared, weighted by a
// learned vector, and averaged over the map; the taps are summed.
#pragma once

#include <vector>

#include "engine/parameters.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "model/vgg16.h"

namespace sapnet::model {

class Lpips {
 public:
  /// parameters: lin0.model.1.weight (1, 64, 1, 1) to lin4.model.1.weight, as lpips_vgg_linear_v0.1.pth has
  /// them. Throws Error when one is missing, has a negative value, or another is among them.
  Lpips(const engine::Parameters& parameters, engine::Device device);

  /// The distance of each image's features from those of the other at the same taps, whose means over the
  /// images are summed; the way back goes to `derained`.
  std::vector<engine::Tensor> distance(const std::vector<engine::Tensor>& derained,
                                       const std::vector<engine::Tensor>& clean) const;

 private:
  std::vector<engine::Tensor> weights_;
};

}  // namespace sapnet::model
