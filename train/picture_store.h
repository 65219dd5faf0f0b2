// Pictures that training cuts patches out of.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "train/image.h"

namespace sapnet::train {

/// How an image is turned before it is cut.
struct Flips {
  bool mirrored = false, upside_down = false;
};

/// Reads pictures once, and keeps as many as fit into memory, 8 bits per channel; the others are read again
/// when they are asked for. May be read from several threads at once.
class PictureStore {
 public:
  /// `memory` in bytes. Throws Error, of the first picture that has one, when a picture cannot be read.
  PictureStore(std::vector<std::filesystem::path> files, std::size_t memory);

  std::size_t size() const { return pictures_.size(); }
  const std::filesystem::path& file(std::size_t picture) const { return pictures_[picture].file; }
  int width(std::size_t picture) const { return pictures_[picture].width; }
  int height(std::size_t picture) const { return pictures_[picture].height; }

  /// A crop of the image after the flips; it must lie inside. Throws Error when the file has changed its
  /// size, or cannot be read any more.
  Image cut(std::size_t picture, const Crop& crop, const Flips& flips = {}) const;

 private:
  struct Picture {
    std::filesystem::path file;
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgb;  // (height, width, 3); empty when it did not fit
  };

  void load(Picture& picture);

  std::vector<Picture> pictures_;
  std::atomic<std::size_t> free_;  // bytes of memory
};

}  // namespace sapnet::train
