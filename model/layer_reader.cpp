#include "model/layer_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"

namespace sapnet::model {

const engine::Parameter& LayerReader::take(const std::string& name, std::vector<std::int64_t> shape) {
  taken_.push_back(name);
  const engine::Parameter& parameter = parameters_.get(name, shape);
  if (!std::ranges::all_of(parameter.values, [](float value) { return std::isfinite(value); }))
    throw Error(parameters_.source() + ": tensor '" + name + "' has a value that is not a finite number");
  return parameter;
}

engine::Conv2dWeights LayerReader::conv2d(const std::string& name, std::array<std::int64_t, 2> in,
                                          std::int64_t out, engine::DType inputs) {
  const engine::Parameter& weight = take(name + ".weight", {out, in[0] + in[1], 3, 3});
  engine::Execution execution = execution_;
  execution.maps = inputs;
  return {weight, take(name + ".bias", {out}), in, {}, execution};
}

engine::ConvLstmWeights LayerReader::conv_lstm(std::int64_t in, std::int64_t hidden) {
  std::array<const engine::Parameter*, 4> weights, biases;
  for (std::size_t gate = 0; gate < 4; ++gate) {
    const std::string name = std::string("conv_") + "ifgo"[gate] + ".0";
    weights[gate] = &take(name + ".weight", {hidden, in + hidden, 3, 3});
    biases[gate] = &take(name + ".bias", {hidden});
  }
  return {weights, biases, execution_};
}

engine::AttendedConvWeights LayerReader::attended_conv(const std::string& conv, const std::string& attention,
                                                       std::int64_t channels, std::int64_t hidden,
                                                       std::int64_t dilation) {
  const engine::Parameter& weight = take(conv + ".weight", {channels, channels, 3, 3});
  const engine::Parameter& bias = take(conv + ".bias", {channels});
  const engine::Parameter& w1 = take(attention + ".conv_du.0.weight", {hidden, channels, 1, 1});
  const engine::Parameter& w2 = take(attention + ".conv_du.2.weight", {channels, hidden, 1, 1});
  const engine::Parameter& w3 = take(attention + ".conv_1_1.weight", {channels, channels, 1, 1});
  return {weight, bias, w1, w2, w3, dilation, execution_};
}

}  // namespace sapnet::model
