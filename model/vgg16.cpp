#include "model/vgg16.h"

#include <string>

#include "engine/error.h"
#include "engine/ops/max_pool.h"
#include "model/frozen_layer_builder.h"

namespace sapnet::model {
namespace {

constexpr std::array<int, Vgg16::kTaps> kConvolutions = {2, 2, 3, 3, 3};

}  // namespace

Vgg16::Vgg16(const engine::Parameters& parameters, const engine::Execution& execution)
    : maps_(execution.maps) {
  FrozenLayerBuilder builder(parameters, execution);
  std::int64_t in = 3;
  int number = 0;  // layer index in torchvision's features, which counts ReLUs and pools
  for (std::size_t block = 0; block < kTaps; ++block) {
    const auto name = [&] { return std::string(kPrefix) + std::to_string(number); };
    if (block > 0 && !parameters.contains(name() + ".weight")) break;
    auto& convolutions = blocks_.emplace_back();
    for (int k = 0; k < kConvolutions[block]; ++k, number += 2) {
      const std::int64_t out = kTapChannels[block];
      convolutions.push_back(builder.conv2d(name(), {.in = {in, 0}, .out = out},
                                            number == 0 ? engine::DType::kFloat32 : maps_, maps_));
      in = out;
    }
    ++number;  // the pool
  }
  builder.finish();
}

std::vector<engine::Tensor> Vgg16::features(const engine::Tensor& images, std::size_t taps) const {
  if (taps > blocks_.size())
    throw Error("the VGG-16 weights cover " + std::to_string(blocks_.size()) + " taps, not " +
                std::to_string(taps));
  std::vector<engine::Tensor> features;
  engine::Tensor x = images;
  for (std::size_t block = 0; block < taps; ++block) {
    if (block > 0) x = engine::max_pool(x);
    for (const engine::Conv2dWeights& convolution : blocks_[block])
      x = conv2d(x, convolution, {.relu = true, .maps = maps_});
    features.push_back(x);
  }
  return features;
}

}  // namespace sapnet::model
