#include "train/losses.h"

#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/ops/charbonnier.h"
#include "engine/ops/feature_contrast.h"
#include "engine/ops/focal.h"
#include "engine/ops/ssim.h"
#include "weights/weight_file.h"

namespace sapnet::train {
namespace {

using Features = std::vector<engine::Tensor>;

constexpr std::size_t kContrastTaps = 4;

/// The input of the VGG-16 of contrast and of segmentation.
engine::Tensor network_input(const engine::Tensor& image, const TrainConfig& config) {
  return config.input_normalization == "imagenet" ? normalized(image) : image;
}

void check_given(const std::filesystem::path& file, const std::string& setting, const std::string& wanted) {
  if (file.empty())
    throw Error("the setting " + setting + " is empty, but the loss needs " + wanted + "; use --set " +
                setting + "=FILE");
}

/// Returns read(). Adds to an Error the setting that names the file.
template <class Read>
auto read_for(const std::string& setting, const Read& read) {
  return with_note(" (setting " + setting + "; see docs/losses.md for where to get the file)", read);
}

}  // namespace

model::Segmentation make_segmentation(int depth, const std::filesystem::path& backbone,
                                      model::NormStatistics statistics, std::uint64_t seed,
                                      const engine::Execution& execution) {
  const engine::Parameters parameters =
      backbone.empty() ? model::init_resnet(depth, seed) : weights::read_weights(backbone);
  const std::string note =
      backbone.empty() ? "" : "; expected the weights of ResNet-" + std::to_string(depth);
  return {with_note(note, [&] { return model::Resnet(depth, parameters, execution, statistics); }),
          model::init_segmentation_head(depth, seed), execution};
}

Losses::Losses(const TrainConfig& config, const engine::Execution& execution)
    : config_(config),
      weights_{config.ssim_weight, config.contrast_weight, config.lpips_weight, config.segmentation_weight,
               config.charbonnier_weight} {
  if (std::ranges::all_of(weights_, [](double weight) { return weight == 0; }))
    throw Error("all loss weights are 0, so there is nothing to learn; use --set ssim_weight=1");
  const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  if (total == weight(LossPart::kSegmentation) && config.segmentation_from_epoch > 0)
    throw Error(
        "segmentation is the only loss and starts at a later epoch, so there is nothing to learn before it; "
        "use --set segmentation_from_epoch=0");
  const bool contrast = weight(LossPart::kContrast) > 0, lpips = weight(LossPart::kLpips) > 0;
  if (contrast || lpips) {
    check_given(config.vgg_weights, "vgg_weights",
                "VGG-16's weights, such as torchvision's vgg16-397923af.pth");
    vgg_ = read_for("vgg_weights", [&] { return read_vgg16(config.vgg_weights, execution); });
    const std::size_t taps = std::min(vgg_->taps(), lpips ? model::Vgg16::kTaps : kContrastTaps);
    const int smallest = smallest_side(taps);
    if (config.patch < smallest)
      throw Error("patches of " + std::to_string(config.patch) + " pixels are too small for VGG-16's taps; " +
                  "use --set patch=" + std::to_string(smallest) + " or more");
  }
  if (lpips) {
    check_given(config.lpips_weights, "lpips_weights", "LPIPS's weights, lpips_vgg_linear_v0.1.pth");
    lpips_ = read_for("lpips_weights", [&] { return read_lpips(config.lpips_weights, execution.device); });
  }
  if (weight(LossPart::kSegmentation) > 0) {
    const auto statistics =
        config.segmentation_norm == "batch" ? model::NormStatistics::kBatch : model::NormStatistics::kRunning;
    segmentation_ = read_for("segmentation_weights", [&] {
      return make_segmentation(config.segmentation_depth, config.segmentation_weights, statistics,
                               config.seed, execution);
    });
  }
}

/// The number of VGG-16's taps that a part uses.
std::size_t Losses::taps(LossPart part) const {
  if (weight(part) == 0) return 0;
  return part == LossPart::kContrast ? std::min(vgg_->taps(), kContrastTaps) : vgg_->taps();
}

bool Losses::segments(std::int64_t epoch) const {
  return segmentation_ && epoch >= config_.segmentation_from_epoch;
}

std::vector<LossTerm> Losses::make_terms(std::int64_t epoch, const LossImages* images) const {
  std::vector<LossTerm> terms;
  const auto add = [&](LossPart part, double factor, const auto& value) {
    terms.push_back({part, factor, images != nullptr ? value() : engine::Tensor()});
  };
  if (weight(LossPart::kSsim) > 0)
    add(LossPart::kSsim, -1, [&] { return engine::ssim(images->derained, images->clean); });

  // If contrast normalises its input as LPIPS always does, both use the same features.
  const bool shared = config_.input_normalization == "imagenet";
  const std::size_t contrast_taps = taps(LossPart::kContrast), lpips_taps = taps(LossPart::kLpips);
  Features derained, clean, rainy, distances;
  if (vgg_ && images != nullptr) {
    const auto features = [&](const engine::Tensor& image, std::size_t count) {
      return vgg_->features(network_input(image, config_), count);
    };
    const std::size_t count = shared ? std::max(contrast_taps, lpips_taps) : contrast_taps;
    derained = features(images->derained, count);
    clean = features(images->clean, count);
    if (contrast_taps > 0) rainy = features(images->rainy, contrast_taps);
  }
  for (std::size_t tap = 0; tap < contrast_taps; ++tap) {
    add(LossPart::kContrast, config_.contrast_scale * config_.contrast_taps[tap],
        [&] { return engine::feature_contrast(derained[tap], clean[tap], rainy[tap]); });
  }
  if (lpips_taps > 0 && images != nullptr) {
    if (!shared) {
      derained = vgg_->features(normalized(images->derained), lpips_taps);
      clean = vgg_->features(normalized(images->clean), lpips_taps);
    }
    distances = lpips_->distance(derained, clean);
  }
  for (std::size_t tap = 0; tap < lpips_taps; ++tap) add(LossPart::kLpips, 1, [&] { return distances[tap]; });

  if (segments(epoch)) {
    add(LossPart::kSegmentation, 1, [&] {
      const engine::Tensor logits = segmentation_->logits(network_input(images->derained, config_));
      return engine::focal(logits, {.gamma = config_.focal_gamma, .alpha = config_.focal_alpha});
    });
  }
  if (weight(LossPart::kCharbonnier) > 0)
    add(LossPart::kCharbonnier, 1, [&] { return engine::charbonnier(images->derained, images->clean); });
  return terms;
}

std::vector<std::string> Losses::describe() const {
  std::vector<std::string> lines;
  const auto add = [&](LossPart part, const std::string& name, std::size_t taps) {
    if (weight(part) > 0)
      lines.push_back(name + " loss: VGG-16, " + covered_taps(*vgg_, taps) + ", from " +
                      config_.vgg_weights.string());
  };
  add(LossPart::kContrast, "contrast", kContrastTaps);
  add(LossPart::kLpips, "lpips", model::Vgg16::kTaps);
  if (segmentation_) {
    lines.push_back("segmentation loss: ResNet-" + std::to_string(config_.segmentation_depth) +
                    (config_.segmentation_weights.empty()
                         ? ", randomly initialised (segmentation_weights is empty)"
                         : " from " + config_.segmentation_weights.string()) +
                    ", with a randomly initialised head" +
                    (config_.segmentation_from_epoch > 0
                         ? ", from epoch " + std::to_string(config_.segmentation_from_epoch + 1) + " on"
                         : ""));
  }
  return lines;
}

}  // namespace sapnet::train
