#include "model/lpips.h"

#include <algorithm>
#include <string>

#include "engine/error.h"
#include "engine/ops/feature_distance.h"
#include "model/frozen_layer_builder.h"

namespace sapnet::model {

Lpips::Lpips(const engine::Parameters& parameters, engine::Device device) {
  FrozenLayerBuilder builder(parameters, {.device = device});
  for (std::size_t tap = 0; tap < Vgg16::kTaps; ++tap) {
    const std::string name = "lin" + std::to_string(tap) + ".model.1.weight";
    const std::int64_t channels = Vgg16::kTapChannels[tap];
    const std::vector<float>& weight = builder.values(name, {1, channels, 1, 1});
    if (std::ranges::any_of(weight, [](float value) { return value < 0; }))
      throw Error(parameters.source() + ": tensor '" + name + "' has a negative value");
    weights_.push_back(engine::from_host(weight, {1, 1, 1, channels}, device));
  }
  builder.finish();
}

std::vector<engine::Tensor> Lpips::distance(const std::vector<engine::Tensor>& derained,
                                            const std::vector<engine::Tensor>& clean) const {
  std::vector<engine::Tensor> distances;
  for (std::size_t tap = 0; tap < derained.size(); ++tap)
    distances.push_back(engine::feature_distance(derained[tap], clean[tap], weights_[tap]));
  return distances;
}

}  // namespace sapnet::model
