// Builds layers from the tensors of a published weight file.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "engine/parameter_tensors.h"
#include "model/network.h"

namespace sapnet::model {

/// A convolution's channels, kernel and geometry.
struct ConvSpec {
  std::array<std::int64_t, 2> in = {};
  std::int64_t out = 0, kernel = 3;
  engine::Conv2dGeometry geometry = {};

  std::vector<std::int64_t> weight_shape() const { return {out, in[0] + in[1], kernel, kernel}; }
};

/// Returns the parameter with that name and shape.
using TakeParameter =
    std::function<engine::Tensor(const std::string& name, const std::vector<std::int64_t>& shape)>;

/// Looks up a network's tensors by their published names, checks their shapes, and remembers which were used,
/// so that unused ones can be reported. Throws Error with the tensor and the file.
class LayerBuilder {
 public:
  LayerBuilder(const engine::ParameterTensors& parameters, const engine::Execution& execution);

  /// Gets every parameter from `take`; finish() then checks nothing.
  LayerBuilder(TakeParameter take, const engine::Execution& execution);

  /// Storage type of the feature maps between layers; images are fp32.
  engine::DType maps() const { return execution_.maps; }

  /// All throw Error with the tensor and the file if it is missing, has another shape, or contains a
  /// non-finite value.

  /// NAME.weight (out, in, kernel, kernel) and NAME.bias (out). inputs, outputs: their storage types.
  engine::Conv2dWeights conv2d(const std::string& name, const ConvSpec& conv, engine::DType inputs,
                               engine::DType outputs);

  /// The gates conv_i.0, conv_f.0, conv_g.0 and conv_o.0.
  engine::ConvLstmWeights conv_lstm(std::int64_t in, std::int64_t hidden);

  /// conv: NAME.weight and NAME.bias. attention: NAME.conv_du.0, NAME.conv_du.2, NAME.conv_1_1 (no bias).
  engine::AttendedConvWeights attended_conv(const std::string& conv, const std::string& attention,
                                            std::int64_t channels, std::int64_t hidden,
                                            std::int64_t dilation);

  /// Throws Error if the file contains a tensor that no layer used.
  void finish() const;

 protected:
  /// all: the file's parameters, for finish(), or null. frozen: gradients flow through convolutions to their
  /// inputs, but not to the weights.
  LayerBuilder(TakeParameter take, const engine::Parameters* all, const engine::Execution& execution,
               bool frozen);

  engine::Tensor take(const std::string& name, const std::vector<std::int64_t>& shape);
  void mark_taken(const std::string& name) { taken_.push_back(name); }
  engine::Conv2dWeights build_conv(engine::Tensor weight, engine::Tensor bias, const ConvSpec& conv,
                                   engine::DType inputs, engine::DType outputs) const;

  const engine::Parameters* all_;
  engine::Execution execution_;

 private:
  TakeParameter take_;
  bool frozen_;
  std::vector<std::string> taken_;
};

}  // namespace sapnet::model
