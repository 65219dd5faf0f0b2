// Statistics of rain, to compare synthetic rain with datasets.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "train/image/image.h"

namespace sapnet::train {

/// Lags of the autocorrelation, in pixels.
inline constexpr std::array<int, 6> kRainLags = {1, 2, 5, 10, 20, 40};

/// Upper bounds of the brightness histogram's bins, in 1/255; the last bin is unbounded.
inline constexpr std::array<int, 6> kRainBins = {1, 16, 32, 64, 96, 128};

/// Statistics of one image's rain layer, rainy - clean, over the pixels where the layer is not clipped.
struct RainStatistics {
  double mean = 0;                                  // mean of the layer, in [0, 1]
  double coverage = 0;                              // share of pixels with any rain
  std::array<double, kRainBins.size() + 1> bins{};  // shares of pixels by brightness
  std::array<double, kRainLags.size()> along{};     // autocorrelation along the main direction
  std::array<double, kRainLags.size()> across{};    // autocorrelation across it
  double direction = 0;                             // degrees from vertical, positive: down and to the right
  int directions = 0;                               // distinct directions of streaks
};

/// Throws Error if the images differ in size, or every pixel is clipped.
RainStatistics rain_statistics(const Image& rainy, const Image& clean);

/// All statistics with their names, in table order.
std::vector<std::pair<std::string, double>> named_values(const RainStatistics& statistics);

}  // namespace sapnet::train
