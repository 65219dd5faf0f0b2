// What rain looks like in numbers: to hold drawn rain against the rain of a dataset.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "train/image.h"

namespace sapnet::train {

/// Distances in pixels at which rain is correlated with itself.
inline constexpr std::array<int, 6> kRainLags = {1, 2, 5, 10, 20, 40};

/// Upper ends of the brightness histogram's bins, in 1/255; the last bin has none.
inline constexpr std::array<int, 6> kRainBins = {1, 16, 32, 64, 96, 128};

/// Statistics of the rain layer of one image, rainy - clean, taken where at least one channel is not clipped.
struct RainStatistics {
  double mean = 0;                                  // of the layer, in [0, 1]
  double coverage = 0;                              // share of pixels with any rain
  std::array<double, kRainBins.size() + 1> bins{};  // shares of pixels by brightness
  std::array<double, kRainLags.size()> along{};     // autocorrelation along the main direction
  std::array<double, kRainLags.size()> across{};    // and across it
  double direction = 0;                             // degrees from vertical, positive: down and to the right
  int directions = 0;                               // distinct directions of streaks
};

/// Throws Error when the images differ in size, or no pixel shows rain that is not clipped.
RainStatistics rain_statistics(const Image& rainy, const Image& clean);

/// Every statistic by name, in the order of a table's rows.
std::vector<std::pair<std::string, double>> named_values(const RainStatistics& statistics);

}  // namespace sapnet::train
