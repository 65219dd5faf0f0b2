#include "train/data_sources.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "train/image/folder.h"

namespace sapnet::train {
namespace fs = std::filesystem;

std::vector<Pair> find_images(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw Error(folder.string() + ": is not a folder");
  if (holds_pairs(folder)) return find_pairs(folder);
  const fs::path rain = "rain", clean = "clean";
  const bool is_rain = folder.lexically_normal().filename() == rain;
  if (is_rain && fs::is_directory(folder.parent_path() / clean))
    throw Error(folder.string() + ": is the rainy half of image pairs; specify its parent folder");
  std::vector<Pair> photos;
  const Listing listing = list_images(folder);
  for (const fs::path& file : listing.images) photos.push_back({{}, file});
  if (!photos.empty()) return photos;
  std::string hint;
  for (const auto& [there, missing] : {std::pair(rain, clean), {clean, rain}})
    if (fs::is_directory(folder / there))
      hint = "; it has " + there.string() + "/ but no " + missing.string() + "/, and pairs need both";
  if (hint.empty() && listing.folders > 0) hint = ", only folders; specify one of them";
  throw Error(folder.string() + ": contains no images" + hint);
}

std::shared_ptr<const RainMix> make_rain_mix(const TrainConfig& config) {
  RainLayers layers;
  if (std::ranges::any_of(config.rain, [](const auto& kind) { return kind.first == "pairs"; })) {
    for (const auto& [folder, weight] : config.data) {
      const std::vector<Pair> images = find_images(folder);
      if (!is_photo(images.front())) layers.add(images, weight);
    }
  }
  return std::make_shared<RainMix>(RainMixOptions{.kinds = config.rain,
                                                  .weakest = static_cast<float>(config.weakest_rain),
                                                  .strongest = static_cast<float>(config.strongest_rain)},
                                   std::move(layers));
}

std::shared_ptr<const Dataset> make_dataset(const TrainConfig& config) {
  if (config.data.empty()) throw Error("there is no training data; specify a folder of images");
  const PatchOptions patches = {.patch = config.patch,
                                .stride = config.stride,
                                .per_image = config.patches_per_image,
                                .flips = config.flips};
  const std::shared_ptr<const RainMix> mix = make_rain_mix(config);
  std::vector<WeightedDataset> parts;
  for (const auto& [folder, weight] : config.data) {
    const std::vector<Pair> images = find_images(folder);
    std::shared_ptr<const Dataset> dataset;
    if (is_photo(images.front())) {
      std::vector<fs::path> photos;
      for (const Pair& photo : images) photos.push_back(photo.clean);
      dataset = make_rain_dataset(photos, patches, mix);
    } else {
      dataset = make_pair_dataset(images, patches);
    }
    parts.push_back({std::move(dataset), weight});
  }
  if (parts.size() == 1) return parts.front().dataset;
  return make_mixed_dataset(std::move(parts));
}

std::vector<std::string> describe_data(const TrainConfig& config) {
  std::vector<std::string> lines;
  for (const auto& [folder, weight] : config.data) {
    const std::vector<Pair> images = find_images(folder);
    const bool photos = is_photo(images.front());
    const std::string noun = photos ? "photo" : "pair";
    lines.push_back(std::to_string(images.size()) + " " + noun + (images.size() == 1 ? "" : "s") + " in " +
                    folder.string() + (photos ? ", with added rain" : ""));
  }
  return lines;
}

}  // namespace sapnet::train
