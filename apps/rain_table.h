// sapnet-rain --measure: the rain of datasets in numbers, beside drawn rain.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "train/rain/rain.h"

namespace sapnet::apps {

/// Prints a table of rain_statistics(), median and range over the pairs of each folder, beside those of rain
/// drawn on the same clean images: one seed after the other, from rain.seed on, and of `strength`, or where
/// that is not given, of strengths spread evenly from 0.2 to 1. Throws Error when a folder holds no pairs or
/// an image cannot be read.
void print_rain_table(const std::vector<std::filesystem::path>& folders, train::RainOptions rain,
                      std::optional<float> strength);

}  // namespace sapnet::apps
