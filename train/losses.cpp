#include "train/losses.h"

#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/ops/charbonnier.h"
#include "engine/ops/feature_contrast.h"
#include "engine/ops/focal.h"
#include "engine/ops/ssim.h"

namespace sapnet::train {
namespace {

constexpr std::size_t kContrastTaps = 4;

/// Pictures as a part looks at them.
engine::Tensor looked_at(const engine::Tensor& picture, const TrainConfig& config) {
  return config.input_normalization == "imagenet" ? normalized(picture) : picture;
}

void check_given(const std::filesystem::path& file, const std::string& setting, const std::string& wanted) {
  if (file.empty())
    throw Error("the setting " + setting + " is empty, and the loss needs " + wanted +
                "; name them with --set " + setting + "=FILE");
}

/// What read() gives; a fault is told with the setting that names the file.
template <class Read>
auto read_for(const std::string& setting, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + " (setting " + setting +
                "; docs/losses.md says where its file comes from)");
  }
}

}  // namespace

Losses::Losses(const TrainConfig& config, const engine::Execution& execution)
    : config_(config),
      weights_{config.ssim_weight, config.contrast_weight, config.distance_weight, config.segmentation_weight,
               config.charbonnier_weight} {
  if (std::ranges::all_of(weights_, [](double weight) { return weight == 0; }))
    throw Error("all weights of the loss are 0, so there is nothing to learn from; --set ssim_weight=1");
  const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  if (total == weight(LossPart::kSegmentation) && config.segmentation_from_epoch > 0)
    throw Error(
        "segmentation alone counts, and only from an epoch on, so there is nothing to learn from before; "
        "--set "
        "segmentation_from_epoch=0");
  const bool contrasts = weight(LossPart::kContrast) > 0, measures = weight(LossPart::kDistance) > 0;
  if (contrasts || measures) {
    check_given(config.vgg_weights, "vgg_weights",
                "VGG-16's weights, such as torchvision's vgg16-397923af.pth");
    vgg_ = read_for("vgg_weights", [&] { return read_vgg16(config.vgg_weights, execution); });
    const std::size_t taps = std::min(vgg_->taps(), measures ? model::Vgg16::kTaps : kContrastTaps);
    const int smallest = smallest_side(taps);
    if (config.patch < smallest)
      throw Error("patches of " + std::to_string(config.patch) + " pixels are too small for VGG-16's taps; " +
                  "take at least " + std::to_string(smallest) + ": --set patch=" + std::to_string(smallest));
  }
  if (measures) {
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

/// Of VGG-16, that a part looks at.
std::size_t Losses::taps(LossPart part) const {
  if (weight(part) == 0) return 0;
  return part == LossPart::kContrast ? std::min(vgg_->taps(), kContrastTaps) : vgg_->taps();
}

bool Losses::segments(std::int64_t epoch) const {
  return segmentation_ && epoch >= config_.segmentation_from_epoch;
}

std::vector<Losses::Summand> Losses::summands(std::int64_t epoch) const {
  std::vector<Summand> all;
  if (weight(LossPart::kSsim) > 0) all.push_back({LossPart::kSsim, -1});
  for (std::size_t tap = 0; tap < taps(LossPart::kContrast); ++tap)
    all.push_back({LossPart::kContrast, config_.contrast_scale * config_.contrast_taps[tap]});
  for (std::size_t tap = 0; tap < taps(LossPart::kDistance); ++tap) all.push_back({LossPart::kDistance});
  if (segments(epoch)) all.push_back({LossPart::kSegmentation});
  if (weight(LossPart::kCharbonnier) > 0) all.push_back({LossPart::kCharbonnier});
  return all;
}

std::vector<Losses::Term> Losses::terms(const engine::Tensor& derained, const engine::Tensor& clean,
                                        const engine::Tensor& rainy, std::int64_t epoch) const {
  std::vector<engine::Tensor> values;
  if (weight(LossPart::kSsim) > 0) values.push_back(engine::ssim(derained, clean));
  if (vgg_) {
    const auto perceptual = perceptual_values(derained, clean, rainy);
    values.insert(values.end(), perceptual.begin(), perceptual.end());
  }
  if (segments(epoch)) {
    const engine::Tensor logits = segmentation_->logits(looked_at(derained, config_));
    values.push_back(engine::focal(logits, {.gamma = config_.focal_gamma, .alpha = config_.focal_alpha}));
  }
  if (weight(LossPart::kCharbonnier) > 0) values.push_back(engine::charbonnier(derained, clean));
  const std::vector<Summand> all = summands(epoch);
  if (values.size() != all.size())
    throw Error("a loss of " + std::to_string(all.size()) + " summands has " + std::to_string(values.size()));
  std::vector<Term> terms;
  for (std::size_t k = 0; k < all.size(); ++k) terms.push_back({all[k], values[k]});
  return terms;
}

std::vector<engine::Tensor> Losses::perceptual_values(const engine::Tensor& derained,
                                                      const engine::Tensor& clean,
                                                      const engine::Tensor& rainy) const {
  std::vector<engine::Tensor> values;
  const std::size_t for_contrast = taps(LossPart::kContrast), for_distance = taps(LossPart::kDistance);
  // Both look at the same features where contrast's pictures are normalised as LPIPS's always are.
  const bool shared = config_.input_normalization == "imagenet";
  const std::size_t of_both = shared ? std::max(for_contrast, for_distance) : for_contrast;
  const auto features = [&](const engine::Tensor& picture, std::size_t count) {
    return vgg_->features(looked_at(picture, config_), count);
  };
  std::vector<engine::Tensor> of_derained = features(derained, of_both), of_clean = features(clean, of_both);
  if (for_contrast > 0) {
    const auto of_rainy = features(rainy, for_contrast);
    for (std::size_t tap = 0; tap < for_contrast; ++tap)
      values.push_back(engine::feature_contrast(of_derained[tap], of_clean[tap], of_rainy[tap]));
  }
  if (for_distance > 0) {
    if (!shared) {
      of_derained = vgg_->features(normalized(derained), for_distance);
      of_clean = vgg_->features(normalized(clean), for_distance);
    }
    const auto distances = lpips_->distance(of_derained, of_clean);
    values.insert(values.end(), distances.begin(), distances.end());
  }
  return values;
}

std::vector<std::string> Losses::describe() const {
  std::vector<std::string> lines;
  const auto add = [&](LossPart part, const std::string& name, std::size_t taps) {
    if (weight(part) > 0)
      lines.push_back(name + " by VGG-16, " + covered_taps(*vgg_, taps) + ", of " +
                      config_.vgg_weights.string());
  };
  add(LossPart::kContrast, "contrast", kContrastTaps);
  add(LossPart::kDistance, "distance", model::Vgg16::kTaps);
  if (segmentation_) {
    const std::string depth = "ResNet-" + std::to_string(config_.segmentation_depth);
    lines.push_back("segmentation by " + depth +
                    (config_.segmentation_weights.empty()
                         ? ", its weights drawn from the seed, for segmentation_weights names no file"
                         : " of " + config_.segmentation_weights.string()) +
                    ", and a head drawn from the seed" +
                    (config_.segmentation_from_epoch > 0
                         ? ", from epoch " + std::to_string(config_.segmentation_from_epoch + 1) + " on"
                         : ""));
  }
  return lines;
}

}  // namespace sapnet::train
