// Training data: pairs of rainy and clean patches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "engine/buffer.h"
#include "train/data/rain_mix.h"
#include "train/image/pairs.h"

namespace sapnet::train {

/// A rainy patch and its clean counterpart: (patch, patch, 3) each, RGB in [0, 1].
struct Sample {
  std::vector<float> rainy, clean;
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Patch side in pixels.
  virtual int patch() const = 0;

  /// Number of samples per epoch; at least one.
  virtual std::int64_t size() const = 0;

  /// Sample `index` of an epoch. The same arguments give the same bits on every machine. Thread-safe. Throws
  /// Error if an image can no longer be read.
  virtual Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const = 0;
};

/// Which patches of an image an epoch contains.
struct PatchOptions {
  int patch = 100;  // side in pixels

  /// 0: random positions, new in each epoch. Otherwise a grid: all patches at multiples of `stride` that fit,
  /// so the remainder at the right and bottom is unused. The paper uses 80, which gives 5 × 3 patches of
  /// 481×321.
  int stride = 0;

  int per_image = 1;  // patches per image at random positions

  bool flips = false;  // random horizontal and vertical flips, each with probability 1/2
};

/// Default cache size for decoded images: half of the free memory.
inline std::size_t default_image_memory() { return engine::available_memory(engine::Device::kCpu) / 2; }

/// Patches of pairs. Reads all images once, on all threads (engine::threads()), and caches as many as fit
/// into `memory` bytes, at 8 bits per channel (16-bit PNGs are rounded). The others are reread for each
/// patch. Throws Error if an option is out of range, an image cannot be read or is smaller than a patch, or
/// the images of a pair differ in size.
std::unique_ptr<Dataset> make_pair_dataset(const std::vector<Pair>& pairs, const PatchOptions& options,
                                           std::size_t memory = default_image_memory());

/// Patches of clean photos with rain from the mix, new in each epoch. Each patch shows part of the rain on
/// the whole photo, so streaks keep their size and cross the patch's borders. Flips apply to the photo, not
/// to the rain. Throws Error as make_pair_dataset() does.
std::unique_ptr<Dataset> make_rain_dataset(const std::vector<std::filesystem::path>& photos,
                                           const PatchOptions& options, std::shared_ptr<const RainMix> mix,
                                           std::size_t memory = default_image_memory());

struct WeightedDataset {
  std::shared_ptr<const Dataset> dataset;
  double weight = 1;
};

/// Mixes samples of several datasets in proportion to their weights. An epoch has as many samples as all
/// datasets together. A dataset smaller than its share starts its next epoch early; a larger one continues in
/// the next epoch of the mix. Throws Error if there is no dataset, a weight is not positive, or patch sizes
/// differ.
std::unique_ptr<Dataset> make_mixed_dataset(std::vector<WeightedDataset> parts);

}  // namespace sapnet::train
