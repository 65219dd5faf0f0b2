// The pictures that a run's settings name.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "train/config.h"
#include "train/dataset.h"
#include "train/pairs.h"
#include "train/rain_mix.h"

namespace sapnet::train {

/// The pairs of a folder that holds any, else its clean photos: their `rainy` is empty. Throws Error when it
/// has neither, saying what it has.
std::vector<Pair> find_pictures(const std::filesystem::path& folder);

/// Whether that gave a photo.
inline bool is_photo(const Pair& picture) { return picture.rainy.empty(); }

/// The rain of the settings, on clean photos. Throws Error when it is to be taken from pairs, and `data` has
/// none.
std::shared_ptr<const RainMix> make_rain_mix(const TrainConfig& config);

/// What the settings' `data` is: pairs, or photos under synthetic rain; several folders are mixed by weight.
/// Throws Error when there is no folder, or one has nothing to learn from.
std::shared_ptr<const Dataset> make_dataset(const TrainConfig& config);

/// A line for each folder of `data`: "200 pairs in DIR".
std::vector<std::string> describe_data(const TrainConfig& config);

}  // namespace sapnet::train
