#include "train/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/error.h"
#include "train/data/image_store.h"
#include "train/data/patch_plan.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;

class PairDataset : public Dataset {
 public:
  PairDataset(const std::vector<Pair>& pairs, const PatchOptions& options, std::size_t memory)
      : plan_(options), store_(files(pairs), memory) {
    for (std::size_t rainy = 0; rainy < store_.size(); rainy += 2) {
      const std::size_t clean = rainy + 1;
      if (store_.width(rainy) != store_.width(clean) || store_.height(rainy) != store_.height(clean)) {
        throw Error(store_.file(rainy).string() + " has " + size_of(store_, rainy) +
                    " pixels, but its clean image " + store_.file(clean).string() + " has " +
                    size_of(store_, clean));
      }
      plan_.add(store_, rainy);
    }
    if (plan_.size() == 0) throw Error("there are no pairs to train on");
  }

  int patch() const override { return plan_.patch(); }
  std::int64_t size() const override { return plan_.size(); }

  Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const override {
    const std::size_t rainy = 2 * plan_.image(index);
    Rng rng = sample_rng(seed, epoch, index);
    const auto [crop, flips] = plan_.place(index, store_.width(rainy), store_.height(rainy), rng);
    return {store_.read_crop(rainy, crop, flips).rgb, store_.read_crop(rainy + 1, crop, flips).rgb};
  }

 private:
  /// Rainy and clean files alternate.
  static std::vector<fs::path> files(const std::vector<Pair>& pairs) {
    std::vector<fs::path> files;
    for (const auto& [rainy, clean] : pairs) files.insert(files.end(), {rainy, clean});
    return files;
  }

  PatchPlan plan_;
  ImageStore store_;
};

class RainDataset : public Dataset {
 public:
  RainDataset(const std::vector<fs::path>& photos, const PatchOptions& options,
              std::shared_ptr<const RainMix> mix, std::size_t memory)
      : plan_(options), mix_(std::move(mix)), store_(photos, memory) {
    for (std::size_t photo = 0; photo < store_.size(); ++photo) plan_.add(store_, photo);
    if (plan_.size() == 0) throw Error("there are no photos to draw rain on");
  }

  int patch() const override { return plan_.patch(); }
  std::int64_t size() const override { return plan_.size(); }

  Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const override {
    const std::size_t photo = plan_.image(index);
    Rng rng = sample_rng(seed, epoch, index);
    const auto [crop, flips] = plan_.place(index, store_.width(photo), store_.height(photo), rng);
    RainPair pair = mix_->rain(store_, photo, crop, flips, rng);
    return {std::move(pair.rainy.rgb), std::move(pair.clean.rgb)};
  }

 private:
  PatchPlan plan_;
  std::shared_ptr<const RainMix> mix_;
  ImageStore store_;
};

class MixedDataset : public Dataset {
 public:
  explicit MixedDataset(std::vector<WeightedDataset> parts) {
    if (parts.empty()) throw Error("there is no dataset to train on");
    double weights = 0;
    std::int64_t samples = 0;
    for (const auto& [dataset, weight] : parts) {
      if (!(weight > 0 && std::isfinite(weight)))
        throw Error("the weight of a dataset must be positive, not " + std::to_string(weight));
      if (dataset->patch() != parts.front().dataset->patch()) {
        throw Error("mixed datasets must have equal patch sizes, not " +
                    std::to_string(parts.front().dataset->patch()) + " and " +
                    std::to_string(dataset->patch()));
      }
      weights += weight;
      samples += dataset->size();
    }
    for (auto& [dataset, weight] : parts) {
      const auto share = std::llround(weight / weights * static_cast<double>(samples));
      parts_.push_back({std::move(dataset), std::max<std::int64_t>(1, share)});
    }
  }

  int patch() const override { return parts_.front().dataset->patch(); }

  std::int64_t size() const override {
    std::int64_t size = 0;
    for (const auto& part : parts_) size += part.share;
    return size;
  }

  Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const override {
    std::size_t i = 0;
    for (; index >= parts_[i].share; ++i) index -= parts_[i].share;
    const auto& [dataset, share] = parts_[i];
    const std::int64_t position = epoch * share + index;
    return dataset->sample(seed, position / dataset->size(), position % dataset->size());
  }

 private:
  struct Part {
    std::shared_ptr<const Dataset> dataset;
    std::int64_t share;  // samples of an epoch
  };
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Dataset> make_pair_dataset(const std::vector<Pair>& pairs, const PatchOptions& options,
                                           std::size_t memory) {
  return std::make_unique<PairDataset>(pairs, options, memory);
}

std::unique_ptr<Dataset> make_rain_dataset(const std::vector<fs::path>& photos, const PatchOptions& options,
                                           std::shared_ptr<const RainMix> mix, std::size_t memory) {
  return std::make_unique<RainDataset>(photos, options, std::move(mix), memory);
}

std::unique_ptr<Dataset> make_mixed_dataset(std::vector<WeightedDataset> parts) {
  return std::make_unique<MixedDataset>(std::move(parts));
}

}  // namespace sapnet::train
