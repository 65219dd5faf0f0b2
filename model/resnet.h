// A residual network (He et al. 2016) without its classifier, frozen, as the published segmentation network
// has it: the maps after its four groups of blocks.
//
//   x = max_pool 3×3/2 (relu(norm(conv 7×7/2 (image))))
//   block: relu(norm(conv(relu(norm(conv(relu(norm(conv(x)))))))) + x)     1×1, 3×3, 1×1; or twice 3×3 in 18
//
// where the first block of a group steps by 2 (but for the first group), in its 3×3, and its x goes through a
// 1×1 convolution of its own.
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

/// By what a batch normalisation normalises.
enum class NormStatistics {
  kRunning,  // what was gathered in training; folded into the convolutions
  kBatch,    // the maps' own, as the published code does
};

class Resnet {
 public:
  static constexpr std::array<int, 3> kDepths = {18, 50, 101};
  static constexpr std::size_t kGroups = 4;

  /// parameters: by torchvision's names; those of its classifier, fc, are passed over. Throws Error naming
  /// the first tensor that is missing, extra, or of the wrong shape.
  Resnet(int depth, const engine::Parameters& parameters, const engine::Execution& execution,
         NormStatistics statistics);

  /// The channels of the groups' outputs.
  static std::array<std::int64_t, kGroups> channels(int depth);
  int depth() const { return depth_; }

  /// The four groups' outputs, (n, h/4, w/4, …) to (n, h/32, w/32, …), extents rounded up. images: (n, h,
  /// w, 3), normalised, fp32.
  std::array<engine::Tensor, kGroups> forward(const engine::Tensor& images) const;

  /// A convolution and the normalisation behind it.
  struct NormedConv {
    engine::Conv2dWeights conv;
    engine::Tensor gamma, beta;  // empty where the normalisation is folded in

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

/// A network's parameters where none were trained: convolutions drawn from N(0, 2/n), n the number of a
/// filter's outputs, kernel² · out (He et al. 2015); normalisations of mean 0 and variance 1, which change
/// nothing, but for the last γ of each block, 1/√(number of blocks), so that the sum of the blocks stays of
/// the size of the image. The same seed gives the same weights.
engine::Parameters init_resnet(int depth, std::uint64_t seed);

}  // namespace sapnet::model
