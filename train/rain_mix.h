// The rain that training puts on clean photos.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/draws.h"
#include "train/pairs.h"
#include "train/picture_store.h"
#include "train/rain/rain.h"

namespace sapnet::train {

/// The kinds of rain: the drawn styles (kRainStyles), the rain of a pair, and photos as they are.
inline constexpr std::array<std::string_view, 5> kRainKinds = {"soft", "additive", "photo", "pairs", "none"};

/// How often each kind of rain falls, and how strong the drawn ones are: any strength between these two as
/// likely as the others.
struct RainMixOptions {
  std::vector<std::pair<std::string, double>> kinds = {{"soft", 1}};
  float weakest = 0.2F, strongest = 1;
};

/// The rain layers, rainy - clean, of pairs whose rain is additive, to be put on other photos.
class RainLayers {
 public:
  /// Reads the pairs of a folder; `weight`: how often they are taken beside those of other folders. Throws
  /// Error when an image cannot be read, or the two of a pair differ in size.
  void add(const std::vector<Pair>& pairs, double weight);

  bool empty() const { return folders_.empty(); }

  /// A crop of a layer, flipped and scaled in brightness at random: (height, width), in [0, 1]. Where a layer
  /// is smaller than the crop it is continued by its mirror image.
  std::vector<float> draw(int width, int height, Draws& draws) const;

 private:
  struct Layer {
    int width = 0, height = 0;
    std::vector<std::uint8_t> light;    // (height, width)
    std::vector<std::uint8_t> clipped;  // 1 where the light is at least this much
  };
  struct Folder {
    double weight;
    std::vector<Layer> layers;
  };
  std::vector<Folder> folders_;
};

class RainMix {
 public:
  /// Throws Error when a kind is none of kRainKinds or has no positive weight, a strength is outside [0, 1],
  /// or "pairs" is named and there are no layers.
  RainMix(RainMixOptions options, RainLayers layers);

  /// Rain on a crop of an image. The same draws give the same bits on every machine.
  RainPair rain(const PictureStore& store, std::size_t picture, const Crop& crop, const Flips& flips,
                Draws& draws) const;

  /// Rain on a whole image.
  RainPair rain(const Image& image, Draws& draws) const;

 private:
  template <class Cut>
  RainPair rain(const Crop& crop, int width, int height, const Cut& cut, Draws& draws) const;

  RainMixOptions options_;
  RainLayers layers_;
};

}  // namespace sapnet::train
