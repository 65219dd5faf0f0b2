// What training minimises: the sum of up to five parts, each times its weight λ in the settings
// (arXiv 2111.08892, section 3.4). With D what the network derained, R the rainy pictures and G the clean
// ones:
//
//   ssim          -SSIM(D, G)
//   contrast      scale · Σ ωᵢ L1(Vᵢ(D), Vᵢ(G)) / (L1(Vᵢ(D), Vᵢ(R)) + 1e-7)      PCL; V: VGG-16's taps
//   distance      LPIPS(D, G)                                                    LPISL
//   segmentation  focal(S(D), argmax S(D))                                       UBS; S: a pyramid
//   charbonnier   mean √((D - G)² + 1e-6)                                        not in the paper
//
// docs/losses.md tells where the published code differs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/execution.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "model/segmentation.h"
#include "train/config.h"
#include "train/loss_parts.h"
#include "train/perception.h"

namespace sapnet::train {

class Losses {
 public:
  /// Reads the weights of the networks that the parts of a weight above 0 look through. Throws Error, naming
  /// the setting or the file, when they cannot be had, or patches are too small for them.
  Losses(const TrainConfig& config, const engine::Execution& execution);

  /// A part is the sum of numbers, each times its factor.
  struct Summand {
    LossPart part;
    double factor = 1;
    friend bool operator==(const Summand&, const Summand&) = default;
  };
  /// Those of an epoch, counted from 0, in the order of terms().
  std::vector<Summand> summands(std::int64_t epoch) const;

  struct Term : Summand {
    engine::Tensor value;  // of one number
  };

  /// What the parts say in that epoch; the way back goes to `derained`. All (n, h, w, 3),
  /// fp32.
  std::vector<Term> terms(const engine::Tensor& derained, const engine::Tensor& clean,
                          const engine::Tensor& rainy, std::int64_t epoch) const;

  /// λ.
  double weight(LossPart part) const { return weights_[static_cast<std::size_t>(part)]; }

  /// What the parts look through, a line each; none where D and G alone are compared.
  std::vector<std::string> describe() const;

 private:
  std::size_t taps(LossPart part) const;
  bool segments(std::int64_t epoch) const;
  std::vector<engine::Tensor> perceptual_values(const engine::Tensor& derained, const engine::Tensor& clean,
                                                const engine::Tensor& rainy) const;

  TrainConfig config_;
  std::array<double, kLossPartNames.size()> weights_;
  std::optional<model::Vgg16> vgg_;
  std::optional<model::Lpips> lpips_;
  std::optional<model::Segmentation> segmentation_;
};

}  // namespace sapnet::train
