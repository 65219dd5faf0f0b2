#include "model/layer_builder.h"

#include <utility>

namespace sapnet::model {

LayerBuilder::LayerBuilder(const engine::ParameterTensors& parameters, const engine::Execution& execution)
    : LayerBuilder(
          [&parameters](const std::string& name, const std::vector<std::int64_t>& shape) {
            return parameters.get(name, shape);
          },
          &parameters.initial(), execution, false) {}

LayerBuilder::LayerBuilder(TakeParameter take, const engine::Execution& execution)
    : LayerBuilder(std::move(take), nullptr, execution, false) {}

LayerBuilder::LayerBuilder(TakeParameter take, const engine::Parameters* all,
                           const engine::Execution& execution, bool frozen)
    : all_(all), execution_(execution), take_(std::move(take)), frozen_(frozen) {}

void LayerBuilder::finish() const {
  if (all_ != nullptr) all_->expect_only(taken_);
}

engine::Tensor LayerBuilder::take(const std::string& name, const std::vector<std::int64_t>& shape) {
  mark_taken(name);
  return take_(name, shape);
}

engine::Conv2dWeights LayerBuilder::build_conv(engine::Tensor weight, engine::Tensor bias,
                                               const ConvSpec& conv, engine::DType inputs,
                                               engine::DType outputs) const {
  engine::Execution execution = execution_;
  execution.maps = inputs;
  return {std::move(weight), std::move(bias), conv.in, conv.geometry, execution, outputs, frozen_};
}

engine::Conv2dWeights LayerBuilder::conv2d(const std::string& name, const ConvSpec& conv,
                                           engine::DType inputs, engine::DType outputs) {
  engine::Tensor weight = take(name + ".weight", conv.weight_shape());  // before the bias
  return build_conv(std::move(weight), take(name + ".bias", {conv.out}), conv, inputs, outputs);
}

engine::ConvLstmWeights LayerBuilder::conv_lstm(std::int64_t in, std::int64_t hidden) {
  std::array<engine::Tensor, 4> weights, biases;
  for (std::size_t gate = 0; gate < 4; ++gate) {
    const std::string name = std::string("conv_") + "ifgo"[gate] + ".0";
    weights[gate] = take(name + ".weight", {hidden, in + hidden, 3, 3});
    biases[gate] = take(name + ".bias", {hidden});
  }
  return {weights, biases, execution_};
}

engine::AttendedConvWeights LayerBuilder::attended_conv(const std::string& conv, const std::string& attention,
                                                        std::int64_t channels, std::int64_t hidden,
                                                        std::int64_t dilation) {
  return {take(conv + ".weight", {channels, channels, 3, 3}),
          take(conv + ".bias", {channels}),
          take(attention + ".conv_du.0.weight", {hidden, channels, 1, 1}),
          take(attention + ".conv_du.2.weight", {channels, hidden, 1, 1}),
          take(attention + ".conv_1_1.weight", {channels, channels, 1, 1}),
          dilation,
          execution_};
}

}  // namespace sapnet::model
