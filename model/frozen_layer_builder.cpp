#include "model/frozen_layer_builder.h"

#include <cmath>
#include <utility>

#include "engine/error.h"

namespace sapnet::model {

FrozenLayerBuilder::FrozenLayerBuilder(const engine::Parameters& parameters,
                                       const engine::Execution& execution)
    : LayerBuilder(
          [&parameters, device = execution.device](const std::string& name,
                                                   const std::vector<std::int64_t>& shape) {
            return engine::to_tensor(parameters.get_finite(name, shape), device);
          },
          &parameters, execution, true) {}

const std::vector<float>& FrozenLayerBuilder::values(const std::string& name,
                                                     const std::vector<std::int64_t>& shape) {
  mark_taken(name);
  return all_->get_finite(name, shape).values;
}

engine::Conv2dWeights FrozenLayerBuilder::conv2d_without_bias(const std::string& name, const ConvSpec& conv,
                                                              engine::DType inputs) {
  return build_conv(take(name + ".weight", conv.weight_shape()), {}, conv, inputs, maps());
}

engine::Conv2dWeights FrozenLayerBuilder::conv2d_with_norm(const std::string& conv_name,
                                                           const std::string& norm, const ConvSpec& conv,
                                                           engine::DType inputs) {
  std::vector<float> weight = values(conv_name + ".weight", conv.weight_shape());
  const auto norm_values = [&](const char* part) -> const std::vector<float>& {
    return values(norm + part, {conv.out});
  };
  const auto &gamma = norm_values(".weight"), &beta = norm_values(".bias"),
             &mean = norm_values(".running_mean"), &variance = norm_values(".running_var");
  std::vector<float> bias;
  const std::size_t filter = weight.size() / gamma.size();
  for (std::size_t o = 0; o < gamma.size(); ++o) {
    constexpr double kEpsilon = 1e-5;
    const double factor =
        static_cast<double>(gamma[o]) / std::sqrt(static_cast<double>(variance[o]) + kEpsilon);
    if (!std::isfinite(factor))
      throw Error(all_->source() + ": tensor '" + norm + ".running_var' has a negative value");
    bias.push_back(static_cast<float>(static_cast<double>(beta[o]) - static_cast<double>(mean[o]) * factor));
    for (std::size_t k = o * filter; k < (o + 1) * filter; ++k)
      weight[k] = static_cast<float>(static_cast<double>(weight[k]) * factor);
  }
  const engine::Device device = execution_.device;
  return build_conv(engine::to_tensor({conv_name, conv.weight_shape(), std::move(weight)}, device),
                    engine::to_tensor({norm, {conv.out}, std::move(bias)}, device), conv, inputs, maps());
}

}  // namespace sapnet::model
