#include "model/frozen_layer_builder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"

namespace sapnet::model {

FrozenLayerBuilder::FrozenLayerBuilder(const engine::Parameters& parameters,
                                       const engine::Execution& execution)
    : parameters_(&parameters), execution_(execution) {}

const std::vector<float>& FrozenLayerBuilder::values(const std::string& name,
                                                     const std::vector<std::int64_t>& shape) {
  taken_.push_back(name);
  const engine::Parameter& parameter = parameters_->get(name, shape);
  if (!std::ranges::all_of(parameter.values, [](float value) { return std::isfinite(value); }))
    throw Error(parameters_->source() + ": tensor '" + name + "' has a value that is not a finite number");
  return parameter.values;
}

engine::Tensor FrozenLayerBuilder::vector(const std::string& name, std::int64_t count) {
  return engine::from_host(values(name, {count}), {1, 1, 1, count}, execution_.device);
}

engine::Conv2dWeights FrozenLayerBuilder::build_conv(std::vector<float> weight, std::vector<float> bias,
                                                     const ConvSpec& conv, engine::DType inputs,
                                                     engine::DType outputs) const {
  engine::Execution execution = execution_;
  execution.maps = inputs;
  const engine::Shape shape = {conv.out, conv.in[0] + conv.in[1], conv.kernel, conv.kernel};
  engine::Tensor biases;
  if (!bias.empty()) biases = engine::from_host(bias, {1, 1, 1, conv.out}, execution.device);
  return {engine::from_host(weight, shape, execution.device),
          biases,
          conv.in,
          conv.geometry,
          execution,
          outputs,
          true};
}

engine::Conv2dWeights FrozenLayerBuilder::conv2d(const std::string& name, const ConvSpec& conv,
                                                 engine::DType inputs, engine::DType outputs) {
  const auto& weight =
      values(name + ".weight", {conv.out, conv.in[0] + conv.in[1], conv.kernel, conv.kernel});
  return build_conv(weight, values(name + ".bias", {conv.out}), conv, inputs, outputs);
}

engine::Conv2dWeights FrozenLayerBuilder::conv2d_without_bias(const std::string& name, const ConvSpec& conv,
                                                              engine::DType inputs) {
  return build_conv(values(name + ".weight", {conv.out, conv.in[0] + conv.in[1], conv.kernel, conv.kernel}),
                    {}, conv, inputs, execution_.maps);
}

engine::Conv2dWeights FrozenLayerBuilder::conv2d_with_norm(const std::string& conv_name,
                                                           const std::string& norm, const ConvSpec& conv,
                                                           engine::DType inputs) {
  std::vector<float> weight =
      values(conv_name + ".weight", {conv.out, conv.in[0] + conv.in[1], conv.kernel, conv.kernel});
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
      throw Error(parameters_->source() + ": tensor '" + norm + ".running_var' has a negative value");
    bias.push_back(static_cast<float>(static_cast<double>(beta[o]) - static_cast<double>(mean[o]) * factor));
    for (std::size_t k = o * filter; k < (o + 1) * filter; ++k)
      weight[k] = static_cast<float>(static_cast<double>(weight[k]) * factor);
  }
  return build_conv(std::move(weight), std::move(bias), conv, inputs, execution_.maps);
}

}  // namespace sapnet::model
