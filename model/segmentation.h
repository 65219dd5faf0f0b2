// The network behind SAPNet's unsupervised background segmentation (section 3.3): a feature pyramid (Lin et
// al. 2017) on a residual network, frozen. What it says of a image serves as the label for itself.
//
//   p5 = top(c5);   p4 = up(p5) + lateral1(c4);   p3 = up(p4) + lateral2(c3);   p2 = up(p3) + lateral3(c2)
//   pk = smooth2(smooth1(pk)), each with convolutions of its own
//   logits = classify([up(p5), up(p4), up(p3), p2])
//
// c2 to c5 being the residual network's maps, and up bilinear, to the size of the other.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "model/resnet.h"

namespace sapnet::model {

class Segmentation {
 public:
  static constexpr std::int64_t kClasses = 21;  // of PASCAL VOC, with the background

  /// head: as init_segmentation_head gives it for the backbone's depth.
  Segmentation(Resnet backbone, const engine::Parameters& head, const engine::Execution& execution);

  /// (n, h/4, w/4, 21), extents rounded up, fp32. images: (n, h, w, 3), normalised, fp32.
  engine::Tensor logits(const engine::Tensor& images) const;

 private:
  Resnet backbone_;
  std::vector<engine::Conv2dWeights> lateral_;                // of c5 (1×1 → 256), c4, c3, c2
  std::vector<std::array<engine::Conv2dWeights, 2>> smooth_;  // of p5, p4, p3, p2: 256 → 256 → 128
  std::vector<engine::Conv2dWeights> classify_;  // its part for p5 and p4, and that for p3 and p2
  engine::DType maps_;
};

/// Weights for the head, drawn from N(0, 0.01²), with biases of 0 (section 3.3).
engine::Parameters init_segmentation_head(int depth, std::uint64_t seed);

}  // namespace sapnet::model
