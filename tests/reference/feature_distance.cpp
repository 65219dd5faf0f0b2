#include "tests/reference/feature_distance.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {

std::vector<double> feature_lengths(const kernels::FeatureDistanceProblem& p, std::span<const double> map) {
  const auto channels = static_cast<std::size_t>(p.c);
  std::vector<double> lengths;
  for (std::size_t first = 0; first < map.size(); first += channels) {
    double squares = 0;
    for (const double feature : map.subspan(first, channels)) squares += feature * feature;
    lengths.push_back(std::sqrt(squares));
  }
  return lengths;
}

double feature_distance(const kernels::FeatureDistanceProblem& p, std::span<const double> derained,
                        std::span<const double> clean, std::span<const double> weight) {
  const auto channels = static_cast<std::size_t>(p.c);
  const std::vector<double> d = feature_lengths(p, derained), g = feature_lengths(p, clean);
  double total = 0;
  for (std::size_t k = 0; k < derained.size(); ++k) {
    const std::size_t pixel = k / channels;
    const double difference = derained[k] / (d[pixel] + 1e-10) - clean[k] / (g[pixel] + 1e-10);
    total += weight[k % channels] * difference * difference;
  }
  return total / static_cast<double>(p.pixels());
}

}  // namespace sapnet::reference
