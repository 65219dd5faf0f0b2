// The mix of rain that training adds to clean photos.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/data/image_store.h"
#include "train/image/pairs.h"
#include "train/rain/rain.h"
#include "train/rain/rng.h"

namespace sapnet::train {

/// The kinds of rain: the synthetic styles (kRainStyles), rain taken from pairs, and no rain.
inline constexpr std::array<std::string_view, 5> kRainKinds = {"soft", "additive", "photo", "pairs", "none"};

/// Relative frequency of each kind, and the range of the strength of synthetic rain (uniformly distributed).
struct RainMixOptions {
  std::vector<std::pair<std::string, double>> kinds = {{"soft", 1}};
  float weakest = 0.2F, strongest = 1;
};

/// Rain layers, rainy - clean, of pairs with additive rain, to be added to other photos.
class RainLayers {
 public:
  /// Reads the pairs of a folder. weight: their frequency relative to other folders. Throws Error if an
  /// image cannot be read, or the images of a pair differ in size.
  void add(const std::vector<Pair>& pairs, double weight);

  bool empty() const { return folders_.empty(); }

  /// A random crop of a layer with random flips and brightness: (height, width), in [0, 1]. A layer smaller
  /// than the crop is extended by reflection.
  std::vector<float> draw(int width, int height, Rng& rng) const;

 private:
  struct Layer {
    int width = 0, height = 0;
    std::vector<std::uint8_t> light;    // (height, width)
    std::vector<std::uint8_t> clipped;  // 1 where the rain is clipped, so `light` is a lower bound
  };
  struct Folder {
    double weight;
    std::vector<Layer> layers;
  };
  std::vector<Folder> folders_;
};

class RainMix {
 public:
  /// Throws Error if a kind is not in kRainKinds or has no positive weight, a strength is outside [0, 1], or
  /// "pairs" is used without layers.
  RainMix(RainMixOptions options, RainLayers layers);

  /// Rain on a crop of an image. Equal random numbers give equal bits on every machine.
  RainPair rain(const ImageStore& store, std::size_t image, const Crop& crop, const Flips& flips,
                Rng& rng) const;

  /// Rain on a whole image.
  RainPair rain(const Image& image, Rng& rng) const;

 private:
  template <class Cut>
  RainPair rain(const Crop& crop, int width, int height, const Cut& cut, Rng& rng) const;

  RainMixOptions options_;
  RainLayers layers_;
};

}  // namespace sapnet::train
