#include "train/dataset.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/error.h"
#include "train/draws.h"
#include "train/picture_store.h"
#include "train/rain.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;

std::string size_of(const PictureStore& store, std::size_t picture) {
  return std::to_string(store.width(picture)) + "x" + std::to_string(store.height(picture));
}

void check(const PatchOptions& options) {
  const auto check = [](bool holds, const std::string& what, int value, const std::string& least) {
    if (!holds) throw Error(what + " is " + std::to_string(value) + "; it must be " + least + " or more");
  };
  check(options.patch >= 1, "the side of a patch", options.patch, "1");
  check(options.stride >= 0, "the stride of patches", options.stride, "0");
  check(options.per_picture >= 1, "the number of patches per picture", options.per_picture, "1");
}

/// Numbers the patches of an epoch, pictures' in their order.
class PatchPlan {
 public:
  explicit PatchPlan(const PatchOptions& options) : options_(options) { check(options); }

  /// Throws Error when the picture is smaller than a patch.
  void add(const PictureStore& store, std::size_t picture) {
    const int width = store.width(picture), height = store.height(picture);
    if (std::min(width, height) < options_.patch) {
      throw Error(store.file(picture).string() + ": " + size_of(store, picture) +
                  " pixels are too few for a patch of " + std::to_string(options_.patch));
    }
    const std::int64_t patches =
        options_.stride == 0 ? options_.per_picture : columns(width) * columns(height);
    ends_.push_back(size() + patches);
  }

  int patch() const { return options_.patch; }
  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  /// In which picture, in the order they were added, patch `index` lies.
  std::size_t picture(std::int64_t index) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
  }

  /// Patch `index`, which lies in a picture of this size.
  Patch place(std::int64_t index, int width, int height, Draws& draws) const {
    Patch patch;
    patch.side = options_.patch;
    if (options_.stride == 0) {
      patch.left = random_start(width, draws);
      patch.top = random_start(height, draws);
    } else {
      const std::size_t in = picture(index);
      const std::int64_t cell = index - (in == 0 ? 0 : ends_[in - 1]);
      patch.left = options_.stride * static_cast<int>(cell % columns(width));
      patch.top = options_.stride * static_cast<int>(cell / columns(width));
    }
    if (options_.flips) {
      const std::uint32_t bits = draws.bits();
      patch.mirrored = (bits & 1) != 0;
      patch.upside_down = (bits & 2) != 0;
    }
    return patch;
  }

 private:
  /// Of the grid along a side.
  std::int64_t columns(int extent) const { return (extent - options_.patch) / options_.stride + 1; }

  int random_start(int extent, Draws& draws) const {
    return static_cast<int>(draws.below(static_cast<std::uint32_t>(extent - options_.patch + 1)));
  }

  PatchOptions options_;
  std::vector<std::int64_t> ends_;  // of each picture's patches
};

Draws draws_of(std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  return {seed, Stream::kPatch, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(epoch)};
}

class PairDataset : public Dataset {
 public:
  PairDataset(const std::vector<Pair>& pairs, const PatchOptions& options, std::size_t memory)
      : plan_(options), store_(files(pairs), memory) {
    for (std::size_t rainy = 0; rainy < store_.size(); rainy += 2) {
      const std::size_t clean = rainy + 1;
      if (store_.width(rainy) != store_.width(clean) || store_.height(rainy) != store_.height(clean)) {
        throw Error(store_.file(rainy).string() + " has " + size_of(store_, rainy) +
                    " pixels, and its clean " + store_.file(clean).string() + " " + size_of(store_, clean));
      }
      plan_.add(store_, rainy);
    }
    if (plan_.size() == 0) throw Error("there are no pairs to learn from");
  }

  int patch() const override { return plan_.patch(); }
  std::int64_t size() const override { return plan_.size(); }

  Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const override {
    const std::size_t rainy = 2 * plan_.picture(index);
    Draws draws = draws_of(seed, epoch, index);
    const Patch patch = plan_.place(index, store_.width(rainy), store_.height(rainy), draws);
    return {store_.cut(rainy, patch), store_.cut(rainy + 1, patch)};
  }

 private:
  /// Rainy and clean by turns.
  static std::vector<fs::path> files(const std::vector<Pair>& pairs) {
    std::vector<fs::path> files;
    for (const auto& [rainy, clean] : pairs) files.insert(files.end(), {rainy, clean});
    return files;
  }

  PatchPlan plan_;
  PictureStore store_;
};

class RainDataset : public Dataset {
 public:
  RainDataset(const std::vector<fs::path>& photos, const PatchOptions& options, const RainStrength& strength,
              std::size_t memory)
      : plan_(options), strength_(strength), store_(photos, memory) {
    if (!(strength.low >= 0 && strength.low <= strength.high && strength.high <= 1)) {
      throw Error("strength of rain must lie between 0 and 1, not range from " +
                  std::to_string(strength.low) + " to " + std::to_string(strength.high));
    }
    for (std::size_t photo = 0; photo < store_.size(); ++photo) plan_.add(store_, photo);
    if (plan_.size() == 0) throw Error("there are no photos to draw rain on");
  }

  int patch() const override { return plan_.patch(); }
  std::int64_t size() const override { return plan_.size(); }

  Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const override {
    const std::size_t photo = plan_.picture(index);
    const int width = store_.width(photo), height = store_.height(photo);
    Draws draws = draws_of(seed, epoch, index);
    const Patch patch = plan_.place(index, width, height, draws);
    const float strength = draws.between(strength_.low, strength_.high);
    const std::uint64_t low = draws.bits(), high = draws.bits();
    Image crop;
    crop.width = crop.height = patch.side;
    crop.rgb = store_.cut(photo, patch);
    std::vector<float> clean = crop.rgb;
    const Frame frame = {width, height, patch.left, patch.top};
    Image rainy = add_rain(std::move(crop), frame, strength, high << 32 | low);
    return {std::move(rainy.rgb), std::move(clean)};
  }

 private:
  PatchPlan plan_;
  RainStrength strength_;
  PictureStore store_;
};

class MixedDataset : public Dataset {
 public:
  explicit MixedDataset(std::vector<WeightedDataset> parts) {
    if (parts.empty()) throw Error("there is no dataset to learn from");
    double weights = 0;
    std::int64_t samples = 0;
    for (const auto& [dataset, weight] : parts) {
      if (!(weight > 0 && std::isfinite(weight)))
        throw Error("the weight of a dataset must be positive, not " + std::to_string(weight));
      if (dataset->patch() != parts.front().dataset->patch()) {
        throw Error("datasets that are mixed have patches of " +
                    std::to_string(parts.front().dataset->patch()) + " and of " +
                    std::to_string(dataset->patch()) + " pixels");
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
                                           const RainStrength& strength, std::size_t memory) {
  return std::make_unique<RainDataset>(photos, options, strength, memory);
}

std::unique_ptr<Dataset> make_mixed_dataset(std::vector<WeightedDataset> parts) {
  return std::make_unique<MixedDataset>(std::move(parts));
}

}  // namespace sapnet::train
