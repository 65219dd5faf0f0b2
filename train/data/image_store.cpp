#include "train/data/image_store.h"

#include <algorithm>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "engine/device.h"
#include "engine/error.h"
#include "train/image/image.h"

namespace sapnet::train {
namespace {

std::vector<std::uint8_t> read_bytes(const Image& image) { return to_bytes(image.rgb, Rounding::kNearest); }

}  // namespace

ImageStore::ImageStore(std::vector<std::filesystem::path> files, std::size_t memory)
    : images_(files.size()), free_(memory) {
  for (std::size_t i = 0; i < files.size(); ++i) images_[i].file = std::move(files[i]);

  // Threads claim images in order and finish what they claim, so the first failure in that order is known.
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::vector<std::exception_ptr> failures(images_.size());
  const auto work = [&] {
    for (std::size_t i = 0; !failed && (i = next++) < images_.size();) {
      try {
        load(images_[i]);
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

void ImageStore::load(StoredImage& stored) {
  const Image image = read_image(stored.file);
  stored.width = image.width;
  stored.height = image.height;
  std::size_t free = free_;
  while (image.rgb.size() <= free) {  // one byte per value
    if (!free_.compare_exchange_weak(free, free - image.rgb.size())) continue;
    stored.rgb = read_bytes(image);
    break;
  }
}

Image ImageStore::read_crop(std::size_t index, const Crop& crop, const Flips& flips) const {
  const StoredImage& source = images_[index];
  std::vector<std::uint8_t> read;
  if (source.rgb.empty()) {
    const Image image = read_image(source.file);
    if (image.width != source.width || image.height != source.height)
      throw Error(source.file.string() + ": changed size during training");
    read = read_bytes(image);
  }
  const std::uint8_t* rgb = source.rgb.empty() ? read.data() : source.rgb.data();

  std::vector<std::uint8_t> bytes;
  bytes.reserve(3 * static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height));
  for (int i = crop.top; i < crop.top + crop.height; ++i) {
    const int y = flips.vertical ? source.height - 1 - i : i;
    for (int j = crop.left; j < crop.left + crop.width; ++j) {
      const int x = flips.horizontal ? source.width - 1 - j : j;
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
