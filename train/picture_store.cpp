#include "train/picture_store.h"

#include <algorithm>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "engine/device.h"
#include "engine/error.h"
#include "train/image.h"

namespace sapnet::train {
namespace {

std::vector<std::uint8_t> read_bytes(const Image& image) { return to_bytes(image.rgb, Rounding::kNearest); }

}  // namespace

PictureStore::PictureStore(std::vector<std::filesystem::path> files, std::size_t memory)
    : pictures_(files.size()), free_(memory) {
  for (std::size_t i = 0; i < files.size(); ++i) pictures_[i].file = std::move(files[i]);

  // Pictures are taken in order, and who takes one finishes it: so the first failure in that order is known.
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::vector<std::exception_ptr> failures(pictures_.size());
  const auto work = [&] {
    for (std::size_t i = 0; !failed && (i = next++) < pictures_.size();) {
      try {
        load(pictures_[i]);
      } catch (...) {
        failures[i] = std::current_exception();
        failed = true;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < engine::threads(); ++i) threads.emplace_back(work);
    work();
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

void PictureStore::load(Picture& picture) {
  const Image image = read_image(picture.file);
  picture.width = image.width;
  picture.height = image.height;
  std::size_t free = free_;
  while (image.rgb.size() <= free) {  // one byte for each number
    if (!free_.compare_exchange_weak(free, free - image.rgb.size())) continue;
    picture.rgb = read_bytes(image);
    break;
  }
}

Image PictureStore::cut(std::size_t picture, const Crop& crop, const Flips& flips) const {
  const Picture& source = pictures_[picture];
  std::vector<std::uint8_t> read;
  if (source.rgb.empty()) {
    const Image image = read_image(source.file);
    if (image.width != source.width || image.height != source.height)
      throw Error(source.file.string() + ": has changed its size during training");
    read = read_bytes(image);
  }
  const std::uint8_t* rgb = source.rgb.empty() ? read.data() : source.rgb.data();

  std::vector<std::uint8_t> bytes;
  bytes.reserve(3 * static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height));
  for (int i = crop.top; i < crop.top + crop.height; ++i) {
    const int y = flips.upside_down ? source.height - 1 - i : i;
    for (int j = crop.left; j < crop.left + crop.width; ++j) {
      const int x = flips.mirrored ? source.width - 1 - j : j;
      const auto* pixel = rgb + 3 * (static_cast<std::ptrdiff_t>(y) * source.width + x);
      bytes.insert(bytes.end(), pixel, pixel + 3);
    }
  }
  Image image;
  image.width = crop.width;
  image.height = crop.height;
  image.rgb = to_floats(bytes);
  return image;
}

}  // namespace sapnet::train
