#include "train/rain/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "engine/error.h"

namespace sapnet::train {
namespace {

/// The grey light that rain adds to an image.
struct Layer {
  int width, height;
  std::vector<float> values;  // (height, width); -1 where the darkest channel is clipped, so it is unknown
};

/// Uses the darkest channel of the clean image, which clips last.
Layer rain_layer(const Image& rainy, const Image& clean) {
  if (rainy.width != clean.width || rainy.height != clean.height)
    throw Error("the rainy image has " + std::to_string(rainy.width) + "x" + std::to_string(rainy.height) +
                " pixels, the clean one " + std::to_string(clean.width) + "x" + std::to_string(clean.height));
  Layer layer = {rainy.width, rainy.height, {}};
  layer.values.reserve(rainy.rgb.size() / 3);
  for (std::size_t i = 0; i < rainy.rgb.size(); i += 3) {
    const auto first = clean.rgb.begin() + static_cast<std::ptrdiff_t>(i);
    const auto darkest = i + static_cast<std::size_t>(std::min_element(first, first + 3) - first);
    const bool clipped = rainy.rgb[darkest] >= 1;
    layer.values.push_back(clipped ? -1 : std::max(0.0F, rainy.rgb[darkest] - clean.rgb[darkest]));
  }
  return layer;
}

/// Autocorrelation of the layer at a lag of (dx, dy) pixels, over pixels known at both positions.
class Autocorrelation {
 public:
  Autocorrelation(const Layer& layer, double mean)
      : layer_(layer), mean_(mean), variance_(covariance(0, 0)) {}

  double at(int dx, int dy) const { return variance_ > 0 ? covariance(dx, dy) / variance_ : 0; }

  /// Along a unit vector, to the nearest pixel.
  double at(int distance, double unit_x, double unit_y) const {
    return at(static_cast<int>(std::lround(distance * unit_x)),
              static_cast<int>(std::lround(distance * unit_y)));
  }

 private:
  double covariance(int dx, int dy) const {
    if (dy < 0) return covariance(-dx, -dy);
    double sum = 0;
    std::size_t count = 0;
    for (int y = 0; y + dy < layer_.height; ++y) {
      const float* row = layer_.values.data() + static_cast<std::ptrdiff_t>(y) * layer_.width;
      const float* moved = row + static_cast<std::ptrdiff_t>(dy) * layer_.width + dx;
      for (int x = std::max(0, -dx); x < layer_.width - std::max(0, dx); ++x) {
        if (row[x] < 0 || moved[x] < 0) continue;
        sum += (row[x] - mean_) * (moved[x] - mean_);
        ++count;
      }
    }
    return count == 0 ? 0 : sum / static_cast<double>(count);
  }

  const Layer& layer_;
  double mean_, variance_;
};

constexpr double kDegree = std::numbers::pi / 180;

/// Autocorrelation at a fixed radius, larger than a streak's width, by angle from vertical in degrees.
struct Profile {
  static constexpr int kWidest = 60, kRadius = 12;
  std::vector<double> values;  // from -kWidest to kWidest

  explicit Profile(const Autocorrelation& correlation) {
    for (int degrees = -kWidest; degrees <= kWidest; ++degrees)
      values.push_back(correlation.at(kRadius, std::sin(degrees * kDegree), std::cos(degrees * kDegree)));
  }

  /// The angle of the maximum; the middle one of equal neighbours, whose lags round to the same pixel.
  int main_direction() const {
    const auto first = std::ranges::max_element(values);
    const auto end = std::find_if(first, values.end(), [&](double value) { return value < *first; });
    return static_cast<int>((first - values.begin() + end - 1 - values.begin()) / 2) - kWidest;
  }

  /// The number of peaks above a floor, separated by valleys.
  int directions() const {
    const double highest = std::ranges::max(values), floor = std::max(0.05, highest / 3);
    int count = 0;
    double valley = -1, peak = -1;  // the lowest value since the last peak; the current peak
    for (const double value : values) {
      if (peak < 0) {  // descending, or at the start
        valley = std::min(valley < -0.5 ? value : valley, value);
        if (value > floor && value > 1.5 * std::max(0.0, valley)) peak = value;
      } else {
        peak = std::max(peak, value);
        if (value < peak / 1.5) {
          ++count;
          peak = -1;
          valley = value;
        }
      }
    }
    return count + (peak > 0 ? 1 : 0);
  }
};

}  // namespace

RainStatistics rain_statistics(const Image& rainy, const Image& clean) {
  const Layer layer = rain_layer(rainy, clean);
  RainStatistics result;
  std::size_t known = 0;
  for (const float value : layer.values) {
    if (value < 0) continue;
    ++known;
    result.mean += static_cast<double>(value);
    const double level = std::round(static_cast<double>(value) * 255);
    if (level > 0) ++result.coverage;
    ++result.bins[static_cast<std::size_t>(std::ranges::upper_bound(kRainBins, level) - kRainBins.begin())];
  }
  if (known == 0) throw Error("every pixel of the rainy image is clipped");
  const auto count = static_cast<double>(known);
  result.mean /= count;
  result.coverage /= count;
  for (double& share : result.bins) share /= count;

  const Autocorrelation correlation(layer, result.mean);
  const Profile profile(correlation);
  result.direction = profile.main_direction();
  result.directions = profile.directions();
  const double x = std::sin(result.direction * kDegree), y = std::cos(result.direction * kDegree);
  for (std::size_t i = 0; i < kRainLags.size(); ++i) {
    result.along[i] = correlation.at(kRainLags[i], x, y);
    result.across[i] = correlation.at(kRainLags[i], y, -x);
  }
  return result;
}

std::vector<std::pair<std::string, double>> named_values(const RainStatistics& statistics) {
  std::vector<std::pair<std::string, double>> values = {
      {"mean", statistics.mean},
      {"coverage", statistics.coverage},
      {"directions", statistics.directions},
      {"direction, degrees from vertical", statistics.direction}};
  for (std::size_t i = 0; i < statistics.bins.size(); ++i) {
    const std::string from = i == 0 ? "0" : std::to_string(kRainBins[i - 1]);
    const std::string to = i < kRainBins.size() ? " to " + std::to_string(kRainBins[i] - 1) : " and above";
    values.emplace_back("share of levels " + from + (i == 0 ? "" : to), statistics.bins[i]);
  }
  for (std::size_t i = 0; i < kRainLags.size(); ++i)
    values.emplace_back("correlation along, " + std::to_string(kRainLags[i]) + " px", statistics.along[i]);
  for (std::size_t i = 0; i < kRainLags.size(); ++i)
    values.emplace_back("correlation across, " + std::to_string(kRainLags[i]) + " px", statistics.across[i]);
  return values;
}

}  // namespace sapnet::train
