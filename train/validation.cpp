#include "train/validation.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/tensor.h"
#include "train/draws.h"
#include "train/image.h"
#include "train/picture_sources.h"
#include "train/rain.h"

namespace sapnet::train {
namespace {

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
  network.release_cached_memory();  // the memory is training's
  result.mean = mean(result.scores);
  return result;
}

}  // namespace sapnet::train
