#include "train/picture_sources.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "engine/error.h"
#include "engine/tensor.h"
#include "train/draws.h"
#include "train/image.h"
#include "train/pairs.h"
#include "train/picture_files.h"
#include "train/rain.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;

/// The pictures of a folder: pairs, or photos, whose `rainy` is empty.
std::vector<Pair> find_pictures(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw Error(folder.string() + ": is not a folder");
  if (holds_pairs(folder)) return find_pairs(folder);
  const fs::path rain = "rain", clean = "clean";
  const bool is_rain = folder.lexically_normal().filename() == rain;
  if (is_rain && fs::is_directory(folder.parent_path() / clean))
    throw Error(folder.string() + ": is the rainy half of pairs; name the folder around it");
  std::vector<Pair> photos;
  const Listing listing = list_pictures(folder);
  for (const fs::path& file : listing.pictures) photos.push_back({{}, file});
  if (!photos.empty()) return photos;
  std::string hint;
  for (const auto& [there, missing] : {std::pair(rain, clean), {clean, rain}})
    if (fs::is_directory(folder / there))
      hint = ", and " + there.string() + "/ but no " + missing.string() + "/, which together would be pairs";
  if (hint.empty() && listing.folders > 0) hint = ", only folders; name one of them";
  throw Error(folder.string() + ": holds no pictures" + hint);
}

bool is_photo(const Pair& picture) { return picture.rainy.empty(); }

Validation::Picture read_picture(const Pair& files, const TrainConfig& config, std::uint32_t number) {
  Image clean = read_image(files.clean), rainy;
  if (is_photo(files)) {
    Draws draws(config.seed, Stream::kValidation, number);
    const auto strength =
        draws.between(static_cast<float>(config.weakest_rain), static_cast<float>(config.strongest_rain));
    const std::uint64_t low = draws.bits(), high = draws.bits();
    rainy = add_rain(clean, strength, high << 32 | low);
  } else {
    rainy = read_image(files.rainy);
    if (rainy.width != clean.width || rainy.height != clean.height)
      throw Error(files.rainy.string() + ": is not of the size of its clean " + files.clean.string());
  }
  Validation::Picture picture;
  picture.name = (is_photo(files) ? files.clean : files.rainy).filename().string();
  picture.width = clean.width;
  picture.height = clean.height;
  picture.rainy = to_bytes(rainy.rgb, Rounding::kNearest);
  picture.clean = to_bytes(clean.rgb, Rounding::kNearest);
  picture.rainy_scores = score(picture.rainy, picture.clean, picture.width, picture.height);
  return picture;
}

}  // namespace

std::shared_ptr<const Dataset> make_dataset(const TrainConfig& config) {
  if (config.data.empty()) throw Error("there is no data to learn from; name a folder of pictures");
  const PatchOptions patches = {.patch = config.patch,
                                .stride = config.stride,
                                .per_picture = config.patches_per_picture,
                                .flips = config.flips};
  const RainStrength strength = {static_cast<float>(config.weakest_rain),
                                 static_cast<float>(config.strongest_rain)};
  std::vector<WeightedDataset> parts;
  for (const auto& [folder, weight] : config.data) {
    const std::vector<Pair> pictures = find_pictures(folder);
    std::shared_ptr<const Dataset> dataset;
    if (is_photo(pictures.front())) {
      std::vector<fs::path> photos;
      for (const Pair& photo : pictures) photos.push_back(photo.clean);
      dataset = make_rain_dataset(photos, patches, strength);
    } else {
      dataset = make_pair_dataset(pictures, patches);
    }
    parts.push_back({std::move(dataset), weight});
  }
  if (parts.size() == 1) return parts.front().dataset;
  return make_mixed_dataset(std::move(parts));
}

std::vector<std::string> describe_data(const TrainConfig& config) {
  std::vector<std::string> lines;
  for (const auto& [folder, weight] : config.data) {
    const std::vector<Pair> pictures = find_pictures(folder);
    const bool photos = is_photo(pictures.front());
    const std::string noun = photos ? "photo" : "pair";
    lines.push_back(std::to_string(pictures.size()) + " " + noun + (pictures.size() == 1 ? "" : "s") +
                    " in " + folder.string() + (photos ? ", under synthetic rain" : ""));
  }
  return lines;
}

Validation::Validation(const TrainConfig& config) {
  std::vector<Pair> files;
  for (const auto& [folder, weight] : config.validation_data.empty() ? config.data : config.validation_data) {
    const std::vector<Pair> pictures = find_pictures(folder);
    files.insert(files.end(), pictures.begin(), pictures.end());
  }
  found_ = files.size();
  const std::size_t count = std::min(found_, static_cast<std::size_t>(config.validation_pictures));
  for (std::size_t k = 0; k < count; ++k) {
    pictures_.push_back(read_picture(files[k * files.size() / count], config, static_cast<std::uint32_t>(k)));
  }
  if (pictures_.empty()) throw Error("there is no picture to validate with");
}

Scores Validation::rainy_mean() const {
  std::vector<Scores> scores;
  for (const Picture& picture : pictures_) scores.push_back(picture.rainy_scores);
  return mean(scores);
}

Validation::Result Validation::run(const model::Network& network, engine::Device device, int stages) const {
  Result result;
  for (const Picture& picture : pictures_) {
    const engine::Tensor rainy =
        engine::from_host(to_floats(picture.rainy), {1, picture.height, picture.width, 3}, device);
    const auto derained = to_bytes(engine::to_vector(network.forward(rainy, stages)), Rounding::kNearest);
    result.derained.push_back(derained);
    result.scores.push_back(score(derained, picture.clean, picture.width, picture.height));
  }
  result.mean = mean(result.scores);
  return result;
}

}  // namespace sapnet::train
