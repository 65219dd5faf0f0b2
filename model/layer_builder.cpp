#include "model/layer_builder.h"

#include <utility>

namespace sapnet::model {

LayerBuilder::LayerBuilder(const engine::ParameterTensors& parameters, const engine::Execution& execution)
    : LayerBuilder(
          [&parameters](const std::string& name, const std::vector<std::int64_t>& shape) {
            return parameters.get(name, shape);
          },
          execution) {
  all_ = &parameters.initial();
}

LayerBuilder::LayerBuilder(TakeParameter take, const engine::Execution& execution)
    : take_(std::move(take)), execution_(execution) {}

void LayerBuilder::finish() const {
  if (all_ != nullptr) all_->expect_only(taken_);
}

engine::Tensor LayerBuilder::take(const std::string& name, const std::vector<std::int64_t>& shape) {
  taken_.push_back(name);
  return take_(name, shape);
}

engine::Conv2dWeights LayerBuilder::conv2d(const std::string& name, std::array<std::int64_t, 2> in,
                                           std::int64_t out, engine::DType inputs, engine::DType outputs,
                                           std::int64_t dilation) {
  engine::Execution execution = execution_;
  execution.maps = inputs;
  return {take(name + ".weight", {out, in[0] + in[1], 3, 3}),
          take(name + ".bias", {out}),
          in,
          {.dilation = dilation, .padding = dilation},
          execution,
          outputs};
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
