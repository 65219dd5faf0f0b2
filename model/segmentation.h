// The segmentation network for SAPNet's unsupervised background segmentation (section 3.3): a frozen feature
// pyramid network (FPN, Lin et al. 2017) on a ResNet. Its own prediction serves as the pseudo-label.
//
//   p5 = top(c5);   p4 = up(p5) + lateral1(c4);   p3 = up(p4) + lateral2(c3);   p2 = up(p3) + lateral3(c2)
//   pk = smooth2(smooth1(pk)), with separate convolutions for each k
//   logits = classify([up(p5), up(p4), up(p3), p2])
//
// c2 to c5 are the ResNet's feature maps; up is bilinear resizing to the size of the map it is combined with.
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
  static constexpr std::int64_t kClasses = 21;  // PASCAL VOC, including background

  /// head: as init_segmentation_head returns it for the backbone's depth.
  Segmentation(Resnet backbone, const engine::Parameters& head, const engine::Execution& execution);

  /// (n, h/4, w/4, 21), extents rounded up, fp32. images: (n, h, w, 3), normalised, fp32.
  engine::Tensor logits(const engine::Tensor& images) const;

 private:
  Resnet backbone_;
  std::vector<engine::Conv2dWeights> lateral_;                // of c5 (1×1 → 256), c4, c3, c2
  std::vector<std::array<engine::Conv2dWeights, 2>> smooth_;  // of p5, p4, p3, p2: 256 → 256 → 128
  std::vector<engine::Conv2dWeights> classify_;               // one for p5 and p4, one for p3 and p2
  engine::DType maps_;
};

/// Weights for the head from N(0, 0.01²), with zero biases (section 3.3).
engine::Parameters init_segmentation_head(int depth, std::uint64_t seed);

}  // namespace sapnet::model
