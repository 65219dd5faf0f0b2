// Builds the layers of frozen networks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/parameters.h"
#include "engine/tensor.h"

namespace sapnet::model {

/// A convolution's channels, kernel and geometry.
struct ConvSpec {
  std::array<std::int64_t, 2> in = {};
  std::int64_t out = 0, kernel = 3;
  engine::Conv2dGeometry geometry = {};
};

/// Looks up a frozen network's tensors by name and remembers which were used. Gradients flow through its
/// layers to their inputs, but not to the weights. Every member throws Error with the tensor and the file
/// when one is missing, has another shape, or contains a non-finite value.
class FrozenLayerBuilder {
 public:
  /// execution.maps: storage type of the feature maps between layers.
  FrozenLayerBuilder(const engine::Parameters& parameters, const engine::Execution& execution);

  /// NAME.weight (out, in, kernel, kernel) and NAME.bias (out). inputs, outputs: their storage types.
  engine::Conv2dWeights conv2d(const std::string& name, const ConvSpec& conv, engine::DType inputs,
                               engine::DType outputs);

  /// NAME.weight only.
  engine::Conv2dWeights conv2d_without_bias(const std::string& name, const ConvSpec& conv,
                                            engine::DType inputs);

  /// CONV.weight with the following batch normalisation NORM folded in, using its running statistics: weight
  /// w γ / √(var + ε) and bias β - mean γ / √(var + ε), ε = 1e-5.
  engine::Conv2dWeights conv2d_with_norm(const std::string& conv_name, const std::string& norm,
                                         const ConvSpec& conv, engine::DType inputs);

  /// A 1-D tensor of `count` values.
  engine::Tensor vector(const std::string& name, std::int64_t count);

  /// The values of a tensor with that shape.
  const std::vector<float>& values(const std::string& name, const std::vector<std::int64_t>& shape);

  /// Throws Error if the file contains a tensor that no layer used.
  void finish() const { parameters_->expect_only(taken_); }

 private:
  engine::Conv2dWeights build_conv(std::vector<float> weight, std::vector<float> bias, const ConvSpec& conv,
                                   engine::DType inputs, engine::DType outputs) const;

  const engine::Parameters* parameters_;
  engine::Execution execution_;
  std::vector<std::string> taken_;
};

}  // namespace sapnet::model
