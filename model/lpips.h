// LPIPS, the learned perceptual image patch similarity (Zhang et al. 2018), on VGG-16: at each tap the
// features of both images are normalised to unit length along the channels, subtracted, squared, weighted by
// a learned vector and averaged over the map; the taps are summed.
#pragma once

#include <vector>

#include "engine/parameters.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "model/vgg16.h"

namespace sapnet::model {

class Lpips {
 public:
  /// parameters: lin0.model.1.weight (1, 64, 1, 1) to lin4.model.1.weight, as in lpips_vgg_linear_v0.1.pth.
  /// Throws Error if one is missing or has a negative value, or if there are others.
  Lpips(const engine::Parameters& parameters, engine::Device device);

  /// One scalar per tap, the distance between the features of both batches; LPIPS is their sum. Only
  /// `derained` gets a gradient.
  std::vector<engine::Tensor> distance(const std::vector<engine::Tensor>& derained,
                                       const std::vector<engine::Tensor>& clean) const;

 private:
  std::vector<engine::Tensor> weights_;
};

}  // namespace sapnet::model
