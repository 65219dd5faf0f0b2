#include "train/validation.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/error.h"
#include "engine/tensor.h"
#include "train/data/rain_mix.h"
#include "train/data_sources.h"
#include "train/folder_names.h"
#include "train/image/image.h"
#include "train/rain/rng.h"

namespace sapnet::train {
namespace {

/// Images without rain do not test deraining, and their PSNR would be infinite.
TrainConfig with_rain_only(TrainConfig config) {
  if (config.rain.size() > 1)
    std::erase_if(config.rain, [](const auto& kind) { return kind.first == "none"; });
  return config;
}

/// mix: rain for photos; null if there are only pairs.
Validation::ImagePair read_pair(const Pair& files, const RainMix* mix, std::uint64_t seed,
                                std::uint32_t number) {
  Image clean = read_image(files.clean), rainy;
  if (is_photo(files)) {
    Rng rng(seed, Stream::kValidation, number);
    RainPair pair = mix->rain(clean, rng);
    rainy = std::move(pair.rainy);
    clean = std::move(pair.clean);
  } else {
    rainy = read_image(files.rainy);
    if (rainy.width != clean.width || rainy.height != clean.height)
      throw Error(files.rainy.string() + ": differs in size from its clean image " + files.clean.string());
  }
  Validation::ImagePair result;
  result.name = (is_photo(files) ? files.clean : files.rainy).filename().string();
  result.width = clean.width;
  result.height = clean.height;
  result.rainy = to_bytes(rainy.rgb, Rounding::kNearest);
  result.clean = to_bytes(clean.rgb, Rounding::kNearest);
  result.rainy_scores = score(result.rainy, result.clean, result.width, result.height);
  return result;
}

/// Divides `total` images equally among folders of these sizes: at least one each, and more from the others
/// if a folder has too few.
std::vector<std::size_t> even_shares(const std::vector<std::size_t>& sizes, std::size_t total) {
  std::vector<std::size_t> shares(sizes.size(), 1);
  std::size_t taken = sizes.size();
  for (std::size_t before = 0; before != taken && taken < total;) {
    before = taken;
    for (std::size_t k = 0; k < sizes.size() && taken < total; ++k) {
      if (shares[k] == sizes[k]) continue;
      ++shares[k];
      ++taken;
    }
  }
  return shares;
}

}  // namespace

Validation::Validation(const TrainConfig& config) {
  std::vector<std::filesystem::path> folders;
  std::vector<std::vector<Pair>> files;
  std::vector<std::size_t> sizes;
  for (const auto& [folder, weight] : config.validation_data.empty() ? config.data : config.validation_data) {
    folders.push_back(folder);
    files.push_back(find_images(folder));
    sizes.push_back(files.back().size());
  }
  folders_ = folder_names(folders);
  found_ = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  if (found_ == 0) throw Error("there are no validation images");
  const bool photos =
      std::ranges::any_of(files, [](const std::vector<Pair>& found) { return is_photo(found.front()); });
  const auto mix = photos ? make_rain_mix(with_rain_only(config)) : nullptr;
  const auto shares = even_shares(sizes, static_cast<std::size_t>(config.validation_images));
  for (std::size_t folder = 0; folder < files.size(); ++folder) {
    for (std::size_t k = 0; k < shares[folder]; ++k) {
      const Pair& pair = files[folder][k * sizes[folder] / shares[folder]];
      images_.push_back(read_pair(pair, mix.get(), config.seed, static_cast<std::uint32_t>(images_.size())));
      images_.back().folder = folder;
    }
  }
}

std::vector<Scores> Validation::folder_means(const std::vector<Scores>& scores) const {
  std::vector<Scores> means;
  for (std::size_t folder = 0; folder < folders_.size(); ++folder) {
    std::vector<Scores> of_folder;
    for (std::size_t k = 0; k < images_.size(); ++k)
      if (images_[k].folder == folder) of_folder.push_back(scores[k]);
    means.push_back(train::mean(of_folder));
  }
  return means;
}

Scores Validation::rainy_mean() const {
  std::vector<Scores> scores;
  for (const ImagePair& pair : images_) scores.push_back(pair.rainy_scores);
  return mean(folder_means(scores));
}

Validation::Result Validation::run(const model::Network& network, engine::Device device, int stages) const {
  Result result;
  for (const ImagePair& pair : images_) {
    const engine::Tensor rainy =
        engine::from_host(to_floats(pair.rainy), {1, pair.height, pair.width, 3}, device);
    const auto derained = to_bytes(engine::to_vector(network.forward(rainy, stages)), Rounding::kNearest);
    result.derained.push_back(derained);
    result.scores.push_back(score(derained, pair.clean, pair.width, pair.height));
  }
  network.release_cached_memory();  // training needs it
  result.folder_means = folder_means(result.scores);
  result.mean = mean(result.folder_means);
  return result;
}

}  // namespace sapnet::train
