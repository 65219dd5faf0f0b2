#include "train/data/rain_mix.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "train/image/image.h"

namespace sapnet::train {
namespace {

/// A random index with probability proportional to its weight.
template <class Items, class Weight>
std::size_t choose(const Items& items, const Weight& weight, Rng& rng) {
  if (items.size() == 1) return 0;  // uses no random number
  double total = 0;
  for (const auto& item : items) total += weight(item);
  double at = total * static_cast<double>(rng.between(0, 1));
  for (std::size_t i = 0; i + 1 < items.size(); ++i) {
    at -= weight(items[i]);
    if (at < 0) return i;
  }
  return items.size() - 1;
}

/// Maps a position to 0 … extent - 1 by reflection at the ends.
int reflect(int position, int extent) {
  const int period = 2 * extent, at = position % period;
  return at < extent ? at : period - 1 - at;
}

}  // namespace

void RainLayers::add(const std::vector<Pair>& pairs, double weight) {
  Folder folder{weight, {}};
  for (const Pair& pair : pairs) {
    const Image rainy = read_image(pair.rainy), clean = read_image(pair.clean);
    if (rainy.width != clean.width || rainy.height != clean.height)
      throw Error(pair.rainy.string() + ": differs in size from its clean image " + pair.clean.string());
    Layer layer{rainy.width, rainy.height, {}, {}};
    const auto rainy_bytes = to_bytes(rainy.rgb, Rounding::kNearest);
    const auto clean_bytes = to_bytes(clean.rgb, Rounding::kNearest);
    for (std::size_t i = 0; i < rainy_bytes.size(); i += 3) {
      // The darkest channel has the most room before it clips.
      const auto first = clean_bytes.begin() + static_cast<std::ptrdiff_t>(i);
      const auto channel = i + static_cast<std::size_t>(std::min_element(first, first + 3) - first);
      const int light = rainy_bytes[channel] - clean_bytes[channel];
      layer.light.push_back(static_cast<std::uint8_t>(std::max(0, light)));
      layer.clipped.push_back(rainy_bytes[channel] == 255 ? 1 : 0);
    }
    folder.layers.push_back(std::move(layer));
  }
  if (!folder.layers.empty()) folders_.push_back(std::move(folder));
}

std::vector<float> RainLayers::draw(int width, int height, Rng& rng) const {
  // Where the rain is clipped, the layer depends on the photo below it. So retry a few times to find a crop
  // with little clipping.
  constexpr int kMaxTries = 12;
  constexpr double kMaxClipped = 0.01;
  std::vector<float> light(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::size_t fewest = light.size() + 1;
  for (int attempt = 0; attempt < kMaxTries; ++attempt) {
    const Folder& folder = folders_[choose(
        folders_, [](const Folder& f) { return f.weight; }, rng)];
    const Layer& layer = folder.layers[rng.below(static_cast<std::uint32_t>(folder.layers.size()))];
    const auto start = [&](int extent, int wanted) {
      return static_cast<int>(rng.below(static_cast<std::uint32_t>(std::max(0, extent - wanted) + 1)));
    };
    const int left = start(layer.width, width), top = start(layer.height, height);
    const std::uint32_t flips = rng.bits();
    const float gain = rng.between(0.7F, 1.2F) / 255;
    std::vector<float> values;
    values.reserve(light.size());
    std::size_t clipped = 0;
    for (int i = 0; i < height; ++i) {
      const int y = reflect(top + ((flips & 1) != 0 ? height - 1 - i : i), layer.height);
      for (int j = 0; j < width; ++j) {
        const int x = reflect(left + ((flips & 2) != 0 ? width - 1 - j : j), layer.width);
        const auto at =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(layer.width) + static_cast<std::size_t>(x);
        values.push_back(gain * static_cast<float>(layer.light[at]));
        clipped += layer.clipped[at];
      }
    }
    if (clipped < fewest) {
      fewest = clipped;
      light = std::move(values);
    }
    if (static_cast<double>(fewest) <= kMaxClipped * static_cast<double>(light.size())) break;
  }
  return light;
}

RainMix::RainMix(RainMixOptions options, RainLayers layers)
    : options_(std::move(options)), layers_(std::move(layers)) {
  if (!(options_.weakest >= 0 && options_.weakest <= options_.strongest && options_.strongest <= 1)) {
    throw Error("the strength of rain must be between 0 and 1, not from " + std::to_string(options_.weakest) +
                " to " + std::to_string(options_.strongest));
  }
  if (options_.kinds.empty()) throw Error("the mix of rain is empty; specify a kind, such as soft");
  for (const auto& [kind, weight] : options_.kinds) {
    if (std::ranges::find(kRainKinds, kind) == kRainKinds.end())
      throw Error("'" + kind + "' is not a kind of rain");
    if (!(weight > 0 && std::isfinite(weight)))
      throw Error("the weight of " + kind + " rain must be positive, not " + std::to_string(weight));
    if (kind == "pairs" && layers_.empty())
      throw Error("the mix uses rain from pairs, but the data has no pairs");
  }
}

template <class Cut>
RainPair RainMix::rain(const Crop& crop, int width, int height, const Cut& cut, Rng& rng) const {
  const std::string& kind = options_
                                .kinds[choose(
                                    options_.kinds, [](const auto& item) { return item.second; }, rng)]
                                .first;
  if (kind == "none") return {cut(crop), cut(crop)};
  if (kind == "pairs") {
    const std::vector<float> light = layers_.draw(crop.width, crop.height, rng);
    RainPair pair = {cut(crop), cut(crop)};
    for (std::size_t i = 0; i < pair.rainy.rgb.size(); ++i)
      pair.rainy.rgb[i] = std::min(1.0F, pair.rainy.rgb[i] + light[i / 3]);
    return pair;
  }
  RainOptions options;
  options.style = static_cast<RainStyle>(std::ranges::find(kRainStyles, kind) - kRainStyles.begin());
  options.strength = rng.between(options_.weakest, options_.strongest);
  const std::uint64_t low = rng.bits(), high = rng.bits();
  options.seed = high << 32 | low;
  return draw_rain(cut(needed_crop(options.style, crop, width, height)), crop, width, height, options);
}

RainPair RainMix::rain(const ImageStore& store, std::size_t image, const Crop& crop, const Flips& flips,
                       Rng& rng) const {
  const auto cut = [&](const Crop& part) { return store.read_crop(image, part, flips); };
  return rain(crop, store.width(image), store.height(image), cut, rng);
}

RainPair RainMix::rain(const Image& image, Rng& rng) const {
  const auto cut = [&](const Crop& /*the whole, in every style*/) { return image; };
  return rain({0, 0, image.width, image.height}, image.width, image.height, cut, rng);
}

}  // namespace sapnet::train
