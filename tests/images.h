// Images for tests.
#pragma once

#include <cstddef>
#include <filesystem>

#include "tests/source_dir.h"
#include "train/image/image.h"

namespace sapnet::tests {

/// Images of every supported kind, written by tests/train/image/make_images.py.
inline const std::filesystem::path kImages = source_dir() / "tests/train/image/images";

/// An image with the same value in all pixels and channels.
inline train::Image flat_image(int width, int height, float value) {
  train::Image image;
  image.width = width;
  image.height = height;
  image.rgb.assign(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height), value);
  return image;
}

}  // namespace sapnet::tests
