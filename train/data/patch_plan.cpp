#include "train/data/patch_plan.h"

#include <algorithm>

#include "engine/error.h"

namespace sapnet::train {
namespace {

void check(bool holds, const std::string& what, int value, const std::string& minimum) {
  if (!holds) throw Error(what + " is " + std::to_string(value) + "; it must be " + minimum + " or more");
}

int random_start(int extent, int patch, Rng& rng) {
  return static_cast<int>(rng.below(static_cast<std::uint32_t>(extent - patch + 1)));
}

}  // namespace

std::string size_of(const ImageStore& store, std::size_t image) {
  return std::to_string(store.width(image)) + "x" + std::to_string(store.height(image));
}

PatchPlan::PatchPlan(const PatchOptions& options) : options_(options) {
  check(options.patch >= 1, "the side of a patch", options.patch, "1");
  check(options.stride >= 0, "the stride of patches", options.stride, "0");
  check(options.per_image >= 1, "the number of patches per image", options.per_image, "1");
}

void PatchPlan::add(const ImageStore& store, std::size_t image) {
  const int width = store.width(image), height = store.height(image);
  if (std::min(width, height) < options_.patch) {
    throw Error(store.file(image).string() + ": " + size_of(store, image) +
                " pixels is smaller than a patch of " + std::to_string(options_.patch));
  }
  ends_.push_back(size() + (options_.stride == 0 ? options_.per_image : columns(width) * columns(height)));
}

std::size_t PatchPlan::image(std::int64_t index) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
}

Patch PatchPlan::place(std::int64_t index, int width, int height, Rng& rng) const {
  Patch patch;
  Crop& crop = patch.crop;
  crop.width = crop.height = options_.patch;
  if (options_.stride == 0) {
    crop.left = random_start(width, options_.patch, rng);
    crop.top = random_start(height, options_.patch, rng);
  } else {
    const std::size_t in = image(index);
    const std::int64_t cell = index - (in == 0 ? 0 : ends_[in - 1]);
    crop.left = options_.stride * static_cast<int>(cell % columns(width));
    crop.top = options_.stride * static_cast<int>(cell / columns(width));
  }
  if (options_.flips) {
    const std::uint32_t bits = rng.bits();
    patch.flips = {.horizontal = (bits & 1) != 0, .vertical = (bits & 2) != 0};
    if (patch.flips.horizontal) crop.left = width - options_.patch - crop.left;
    if (patch.flips.vertical) crop.top = height - options_.patch - crop.top;
  }
  return patch;
}

/// Grid positions along a side.
std::int64_t PatchPlan::columns(int extent) const { return (extent - options_.patch) / options_.stride + 1; }

}  // namespace sapnet::train
