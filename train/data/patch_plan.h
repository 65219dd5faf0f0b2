// The patches of an epoch. Internal to the datasets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "train/data/dataset.h"
#include "train/data/image_store.h"
#include "train/rain/rng.h"

namespace sapnet::train {

/// A patch in the coordinates of the flipped image.
struct Patch {
  Crop crop;
  Flips flips;
};

/// "481x321".
std::string size_of(const ImageStore& store, std::size_t image);

/// Enumerates the patches of an epoch, image by image.
class PatchPlan {
 public:
  /// Throws Error if an option is out of range.
  explicit PatchPlan(const PatchOptions& options);

  /// Adds the next image. Throws Error if it is smaller than a patch.
  void add(const ImageStore& store, std::size_t image);

  int patch() const { return options_.patch; }
  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  /// The image that contains patch `index`; images are numbered in the order of add().
  std::size_t image(std::int64_t index) const;

  /// The position of patch `index` in its image, which has this size.
  Patch place(std::int64_t index, int width, int height, Rng& rng) const;

 private:
  std::int64_t columns(int extent) const;

  PatchOptions options_;
  std::vector<std::int64_t> ends_;  // one past each image's last patch
};

/// The random number generator of a sample.
inline Rng sample_rng(std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  return {seed, Stream::kPatch, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(epoch)};
}

}  // namespace sapnet::train
