// The images that training crops patches from.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "train/image/image.h"

namespace sapnet::train {

/// Flips applied to an image before it is cropped.
struct Flips {
  bool horizontal = false, vertical = false;
};

/// Reads images once and caches as many as fit into memory, at 8 bits per channel; the others are reread on
/// each access. Reading is thread-safe.
class ImageStore {
 public:
  /// memory: size of the cache in bytes. Throws the Error of the first image that cannot be read.
  ImageStore(std::vector<std::filesystem::path> files, std::size_t memory);

  std::size_t size() const { return images_.size(); }
  const std::filesystem::path& file(std::size_t image) const { return images_[image].file; }
  int width(std::size_t image) const { return images_[image].width; }
  int height(std::size_t image) const { return images_[image].height; }

  /// A crop of the flipped image; it must lie inside. Throws Error if the file has changed size or can no
  /// longer be read.
  Image read_crop(std::size_t index, const Crop& crop, const Flips& flips = {}) const;

 private:
  struct StoredImage {
    std::filesystem::path file;
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgb;  // (height, width, 3); empty: not cached
  };

  void load(StoredImage& stored);

  std::vector<StoredImage> images_;
  std::atomic<std::size_t> free_;  // bytes left in the cache
};

}  // namespace sapnet::train
