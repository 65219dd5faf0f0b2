// sapnet-rain --measure: statistics of the rain in datasets, compared with synthetic rain.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "train/rain/rain.h"

namespace sapnet::apps {

/// Prints a table of rain_statistics(), as median and range over the pairs of each folder, next to synthetic
/// rain on the same clean images. Seeds count up from rain.seed. Without `strength`, strengths are evenly
/// spread from 0.2 to 1. Throws Error if a folder has no pairs or an image cannot be read.
void print_rain_table(const std::vector<std::filesystem::path>& folders, train::RainOptions rain,
                      std::optional<float> strength);

}  // namespace sapnet::apps
