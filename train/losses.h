// The training loss: a weighted sum of up to five parts, with weights λ from the settings (arXiv 2111.08892,
// section 3.4). D is the derained, R the rainy and G the clean batch.
//
//   ssim          -SSIM(D, G)
//   contrast      scale · Σ ωᵢ L1(Vᵢ(D), Vᵢ(G)) / (L1(Vᵢ(D), Vᵢ(R)) + 1e-7)      PCL; Vᵢ: VGG-16 taps
//   lpips         LPIPS(D, G)                                                    LPISL
//   segmentation  focal(S(D), argmax S(D))                                       UBS; S: an FPN
//   charbonnier   mean √((D - G)² + 1e-6)                                        not in the paper
//
// docs/losses.md lists where the published code differs.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/execution.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "model/segmentation.h"
#include "train/config.h"
#include "train/loss_parts.h"
#include "train/metrics/perception.h"

namespace sapnet::train {

/// One term of a part. A part is Σ factor · value over its terms.
struct LossTerm {
  LossPart part;
  double factor = 1;
  engine::Tensor value = {};  // a scalar; empty if computed without images
};

/// The inputs of the loss: (n, h, w, 3) each, fp32.
struct LossImages {
  engine::Tensor derained, clean, rainy;
};

/// The network of the segmentation loss. backbone: torchvision's resnet18, resnet50 or resnet101; empty:
/// random, from the seed. The head is always random. Throws Error, naming the file, if it cannot be read, is
/// damaged, or belongs to another network.
model::Segmentation make_segmentation(int depth, const std::filesystem::path& backbone,
                                      model::NormStatistics statistics, std::uint64_t seed,
                                      const engine::Execution& execution);

class Losses {
 public:
  /// Loads the networks of all parts with a weight above 0. Throws Error, naming the setting or the file, if
  /// one cannot be loaded or `patch` is too small for it.
  Losses(const TrainConfig& config, const engine::Execution& execution);

  /// The terms of the loss in an epoch, counted from 0, without values.
  std::vector<LossTerm> terms(std::int64_t epoch) const { return make_terms(epoch, nullptr); }

  /// The same terms with their values. On a tape, the gradients flow to images.derained only.
  std::vector<LossTerm> terms(std::int64_t epoch, const LossImages& images) const {
    return make_terms(epoch, &images);
  }

  /// The weight λ of a part.
  double weight(LossPart part) const { return weights_[static_cast<std::size_t>(part)]; }

  /// One line for each network that the loss uses.
  std::vector<std::string> describe() const;

 private:
  std::size_t taps(LossPart part) const;
  bool segments(std::int64_t epoch) const;
  std::vector<LossTerm> make_terms(std::int64_t epoch, const LossImages* images) const;

  TrainConfig config_;
  std::array<double, kLossPartNames.size()> weights_;
  std::optional<model::Vgg16> vgg_;
  std::optional<model::Lpips> lpips_;
  std::optional<model::Segmentation> segmentation_;
};

}  // namespace sapnet::train
