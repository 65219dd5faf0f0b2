// Pictures that training cuts patches out of.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace sapnet::train {

/// Where a square patch lies in a picture, and how it is turned.
struct Patch {
  int left = 0, top = 0, side = 0;
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

  /// (side, side, 3), RGB in [0, 1]. The patch must lie inside. Throws Error when the file has changed its
  /// size, or cannot be read any more.
  std::vector<float> cut(std::size_t picture, const Patch& patch) const;

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
