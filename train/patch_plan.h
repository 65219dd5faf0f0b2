// Which patches of which images an epoch has. Only the datasets include this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "train/dataset.h"
#include "train/draws.h"
#include "train/picture_store.h"

namespace sapnet::train {

/// Where a patch lies in its image, after the flips.
struct Patch {
  Crop crop;
  Flips flips;
};

/// "481x321".
std::string size_of(const PictureStore& store, std::size_t picture);

/// Numbers the patches of an epoch, image after image.
class PatchPlan {
 public:
  /// Throws Error when an option is out of range.
  explicit PatchPlan(const PatchOptions& options);

  /// The next image. Throws Error when it is smaller than a patch.
  void add(const PictureStore& store, std::size_t picture);

  int patch() const { return options_.patch; }
  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  /// The image, in the order they were added, that has patch `index`.
  std::size_t picture(std::int64_t index) const;

  /// Patch `index`, whose image has this size.
  Patch place(std::int64_t index, int width, int height, Draws& draws) const;

 private:
  std::int64_t columns(int extent) const;

  PatchOptions options_;
  std::vector<std::int64_t> ends_;  // of each image's patches
};

/// The random numbers of a sample.
inline Draws sample_draws(std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  return {seed, Stream::kPatch, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(epoch)};
}

}  // namespace sapnet::train
