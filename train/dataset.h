// What training learns from: patches of pictures, each rainy and clean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "engine/buffer.h"
#include "train/pairs.h"
#include "train/rain_mix.h"

namespace sapnet::train {

/// A rainy patch and the same without rain: (patch, patch, 3) each, RGB in [0, 1].
struct Sample {
  std::vector<float> rainy, clean;
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Side of its patches in pixels.
  virtual int patch() const = 0;

  /// Samples of an epoch; at least one.
  virtual std::int64_t size() const = 0;

  /// Number `index` of an epoch. The same arguments give the same bits, on every machine; may be called from
  /// several threads at once. Throws Error when a picture cannot be read any more.
  virtual Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const = 0;
};

/// Which patches of a picture an epoch has.
struct PatchOptions {
  int patch = 100;  // side in pixels

  /// 0: patches at random places, other ones in each epoch. Else a grid: every patch that begins at a
  /// multiple of `stride` and lies inside, so that what is left at the right and below goes unused. The
  /// paper's is 80, which gives 5 × 3 patches of 481×321.
  int stride = 0;

  int per_picture = 1;  // patches of each picture, when they are at random places

  bool flips = false;  // each patch is mirrored, and turned upside down, every other time
};

/// Memory that a dataset may keep decoded pictures in: half of what is free.
inline std::size_t default_picture_memory() { return engine::available_memory(engine::Device::kCpu) / 2; }

/// Patches of pairs. Reads all pictures once, on all threads (engine::threads()), and keeps as many as fit
/// into `memory`, 8 bits per channel: 16-bit PNGs are rounded. The others are read again for each patch.
/// Throws Error when an option is out of range, a picture cannot be read or is smaller than a patch, or those
/// of a pair differ in size.
std::unique_ptr<Dataset> make_pair_dataset(const std::vector<Pair>& pairs, const PatchOptions& options,
                                           std::size_t memory = default_picture_memory());

/// Patches of clean photos, and rain on them, other rain in each epoch: what the mix would put on the whole
/// photo, so streaks have the size that they have there and reach over the patch's borders. Flips turn the
/// photo, not the rain. Throws Error as make_pair_dataset() does.
std::unique_ptr<Dataset> make_rain_dataset(const std::vector<std::filesystem::path>& photos,
                                           const PatchOptions& options, std::shared_ptr<const RainMix> mix,
                                           std::size_t memory = default_picture_memory());

struct WeightedDataset {
  std::shared_ptr<const Dataset> dataset;
  double weight = 1;
};

/// Samples of several datasets in proportion to their weights, for instance half and half. An epoch of the
/// mix is as long as one of all of them; those whose share is larger than they are begin anew, with the next
/// of their own epochs, those whose share is smaller go on in the mix's next epoch. Throws Error when there
/// is no dataset, a weight is not positive, or patches differ in size.
std::unique_ptr<Dataset> make_mixed_dataset(std::vector<WeightedDataset> parts);

}  // namespace sapnet::train
