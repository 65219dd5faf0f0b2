// The data that a run's settings name.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "train/config.h"
#include "train/data/dataset.h"
#include "train/data/rain_mix.h"
#include "train/image/pairs.h"

namespace sapnet::train {

/// The pairs of a folder, or if it has none, its images as clean photos, whose `rainy` is empty. Throws Error
/// if it has neither, saying what it contains.
std::vector<Pair> find_images(const std::filesystem::path& folder);

/// Whether an entry of find_images() is a photo.
inline bool is_photo(const Pair& image) { return image.rainy.empty(); }

/// The mix of rain for clean photos. Throws Error if it includes rain from pairs but `data` has none.
std::shared_ptr<const RainMix> make_rain_mix(const TrainConfig& config);

/// The dataset of `data`: pairs, or photos with rain; several folders are mixed by weight. Throws Error if
/// `data` is empty or a folder has no images.
std::shared_ptr<const Dataset> make_dataset(const TrainConfig& config);

/// One line per folder of `data`, such as "200 pairs in DIR".
std::vector<std::string> describe_data(const TrainConfig& config);

}  // namespace sapnet::train
