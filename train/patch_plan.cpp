#include "train/patch_plan.h"

#include <algorithm>

#include "engine/error.h"

namespace sapnet::train {
namespace {

void check(bool holds, const std::string& what, int value, const std::string& least) {
  if (!holds) throw Error(what + " is " + std::to_string(value) + "; it must be " + least + " or more");
}

int random_start(int extent, int patch, Draws& draws) {
  return static_cast<int>(draws.below(static_cast<std::uint32_t>(extent - patch + 1)));
}

}  // namespace

std::string size_of(const PictureStore& store, std::size_t picture) {
  return std::to_string(store.width(picture)) + "x" + std::to_string(store.height(picture));
}

PatchPlan::PatchPlan(const PatchOptions& options) : options_(options) {
  check(options.patch >= 1, "the side of a patch", options.patch, "1");
  check(options.stride >= 0, "the stride of patches", options.stride, "0");
  check(options.per_picture >= 1, "the number of patches per picture", options.per_picture, "1");
}

void PatchPlan::add(const PictureStore& store, std::size_t picture) {
  const int width = store.width(picture), height = store.height(picture);
  if (std::min(width, height) < options_.patch) {
    throw Error(store.file(picture).string() + ": " + size_of(store, picture) +
                " pixels are too few for a patch of " + std::to_string(options_.patch));
  }
  ends_.push_back(size() + (options_.stride == 0 ? options_.per_picture : columns(width) * columns(height)));
}

std::size_t PatchPlan::picture(std::int64_t index) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
}

Patch PatchPlan::place(std::int64_t index, int width, int height, Draws& draws) const {
  Patch patch;
  Crop& crop = patch.crop;
  crop.width = crop.height = options_.patch;
  if (options_.stride == 0) {
    crop.left = random_start(width, options_.patch, draws);
    crop.top = random_start(height, options_.patch, draws);
  } else {
    const std::size_t in = picture(index);
    const std::int64_t cell = index - (in == 0 ? 0 : ends_[in - 1]);
    crop.left = options_.stride * static_cast<int>(cell % columns(width));
    crop.top = options_.stride * static_cast<int>(cell / columns(width));
  }
  if (options_.flips) {
    const std::uint32_t bits = draws.bits();
    patch.flips = {.mirrored = (bits & 1) != 0, .upside_down = (bits & 2) != 0};
    if (patch.flips.mirrored) crop.left = width - options_.patch - crop.left;
    if (patch.flips.upside_down) crop.top = height - options_.patch - crop.top;
  }
  return patch;
}

/// Of the grid along a side.
std::int64_t PatchPlan::columns(int extent) const { return (extent - options_.patch) / options_.stride + 1; }

}  // namespace sapnet::train
