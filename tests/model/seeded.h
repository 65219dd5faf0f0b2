// Frozen networks with weights that these tests and PyTorch generate from the same seeds
// (tests/golden/make_losses.py).
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "engine/parameters.h"
#include "engine/tensor.h"
#include "model/init.h"
#include "model/vgg16.h"

namespace sapnet::tests {

inline constexpr std::uint64_t kImagesSeed = 11, kVggSeed = 12, kLinearSeed = 13, kSegmentationSeed = 1,
                               kBatchSegmentationSeed = 2;

/// VGG-16's convolutions, the first `blocks` blocks: weights from N(0, 2 / inputs), biases uniform in ±0.1.
inline engine::Parameters seeded_vgg16(std::size_t blocks = model::Vgg16::kTaps) {
  constexpr std::array kConvolutions = {2, 2, 3, 3, 3};
  engine::Parameters drawn("seeded VGG-16");
  std::int64_t in = 3;
  std::uint32_t number = 0;
  int layer = 0;
  for (std::size_t block = 0; block < blocks; ++block, ++layer) {
    const std::int64_t out = model::Vgg16::kTapChannels[block];
    for (int k = 0; k < kConvolutions[block]; ++k, layer += 2, number += 2, in = out) {
      const std::string name = std::string(model::Vgg16::kPrefix) + std::to_string(layer);
      const double deviation = std::sqrt(2 / static_cast<double>(9 * in));
      drawn.add({name + ".weight",
                 {out, in, 3, 3},
                 model::init_normal(kVggSeed, number, static_cast<std::size_t>(9 * in * out), deviation)});
      drawn.add({name + ".bias",
                 {out},
                 model::init_uniform(kVggSeed, number + 1, static_cast<std::size_t>(out), 0.1)});
    }
  }
  return drawn;
}

/// LPIPS's linear layers, uniform in [0, 1).
inline engine::Parameters seeded_lpips() {
  engine::Parameters drawn("seeded LPIPS");
  for (std::size_t tap = 0; tap < model::Vgg16::kTaps; ++tap) {
    const std::int64_t channels = model::Vgg16::kTapChannels[tap];
    auto values = model::init_uniform(kLinearSeed, static_cast<std::uint32_t>(tap),
                                      static_cast<std::size_t>(channels), 0.5);
    for (float& value : values) value += 0.5F;
    drawn.add({"lin" + std::to_string(tap) + ".model.1.weight", {1, channels, 1, 1}, values});
  }
  return drawn;
}

struct SeededImages {
  engine::Tensor clean, rainy, derained;
};

/// Clean noise; rainy: with more noise added; derained: with less noise added.
inline SeededImages seeded_images(std::int64_t n, std::int64_t h, std::int64_t w, engine::Device device) {
  const engine::Shape shape = {n, h, w, 3};
  const auto draw = [&](std::uint32_t number, float limit) {
    auto values = model::init_uniform(kImagesSeed, number, static_cast<std::size_t>(shape.count()), limit);
    for (float& value : values) value += limit;
    return values;
  };
  const auto clean = draw(0, 0.5F);
  const auto on_clean = [&](std::vector<float> added) {
    for (std::size_t k = 0; k < added.size(); ++k) added[k] += clean[k];
    return engine::from_host(added, shape, device);
  };
  return {engine::from_host(clean, shape, device), on_clean(draw(1, 0.25F)), on_clean(draw(2, 0.0625F))};
}

}  // namespace sapnet::tests
