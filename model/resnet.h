// A frozen residual network (He et al. 2016) without its classifier, as in the published segmentation
// network. Returns the feature maps after each of its four groups of blocks.
//
//   x = max_pool 3×3/2 (relu(norm(conv 7×7/2 (image))))
//   block: relu(norm(conv(relu(norm(conv(relu(norm(conv(x)))))))) + x)     1×1, 3×3, 1×1; ResNet-18: 3×3, 3×3
//
// The first block of each group except the first has stride 2 in its 3×3 convolution. The first block of a
// group has a 1×1 convolution on its shortcut if the shape changes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/parameters.h"
#include "engine/tensor.h"

namespace sapnet::model {

/// The statistics that batch normalisation uses.
enum class NormStatistics {
  kRunning,  // the running statistics from training, folded into the convolutions
  kBatch,    // batch statistics, as in the published code
};

class Resnet {
 public:
  static constexpr std::array<int, 3> kDepths = {18, 50, 101};
  static constexpr std::size_t kGroups = 4;

  /// parameters: with torchvision's names; the classifier (fc) is ignored. Throws Error with the first
  /// tensor that is missing, unexpected, or of the wrong shape.
  Resnet(int depth, const engine::Parameters& parameters, const engine::Execution& execution,
         NormStatistics statistics);

  /// The channels of each group's output.
  static std::array<std::int64_t, kGroups> channels(int depth);
  int depth() const { return depth_; }

  /// The four groups' outputs, (n, h/4, w/4, …) to (n, h/32, w/32, …), extents rounded up. images: (n, h, w,
  /// 3), normalised, fp32.
  std::array<engine::Tensor, kGroups> forward(const engine::Tensor& images) const;

  /// A convolution and its normalisation.
  struct NormedConv {
    engine::Conv2dWeights conv;
    engine::Tensor gamma, beta;  // empty if the normalisation is folded in

    engine::Tensor operator()(const engine::Tensor& x, engine::DType maps, bool relu,
                              engine::Tensor residual = {}) const;
  };

 private:
  struct Block {
    std::vector<NormedConv> convolutions;
    std::optional<NormedConv> shortcut;
  };

  int depth_;
  engine::DType maps_;
  std::optional<NormedConv> stem_;
  std::array<std::vector<Block>, kGroups> groups_;
};

/// Random parameters: convolutions from N(0, 2/n) with the fan-out n = kernel² · out (He et al. 2015);
/// normalisations with mean 0 and variance 1, i.e. the identity, except that the last γ of each block is
/// 1/√(number of blocks), which keeps the sum of the blocks at the scale of the image. The same seed gives
/// the same weights.
engine::Parameters init_resnet(int depth, std::uint64_t seed);

}  // namespace sapnet::model
