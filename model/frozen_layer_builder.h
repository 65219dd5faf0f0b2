// Builds the layers of frozen networks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/execution.h"
#include "engine/ops/conv2d.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "model/layer_builder.h"

namespace sapnet::model {

/// A LayerBuilder for a network that is not trained: gradients flow through its layers to their inputs, but
/// not to the weights. Every member throws Error with the tensor and the file when one is missing, has
/// another shape, or contains a non-finite value.
class FrozenLayerBuilder : private LayerBuilder {
 public:
  /// execution.maps: storage type of the feature maps between layers.
  FrozenLayerBuilder(const engine::Parameters& parameters, const engine::Execution& execution);

  using LayerBuilder::conv2d;
  using LayerBuilder::finish;

  /// NAME.weight only.
  engine::Conv2dWeights conv2d_without_bias(const std::string& name, const ConvSpec& conv,
                                            engine::DType inputs);

  /// CONV.weight with the following batch normalisation NORM folded in, using its running statistics: weight
  /// w γ / √(var + ε) and bias β - mean γ / √(var + ε), ε = 1e-5.
  engine::Conv2dWeights conv2d_with_norm(const std::string& conv_name, const std::string& norm,
                                         const ConvSpec& conv, engine::DType inputs);

  /// A 1-D tensor of `count` values.
  engine::Tensor vector(const std::string& name, std::int64_t count) { return take(name, {count}); }

  /// The values of a tensor with that shape.
  const std::vector<float>& values(const std::string& name, const std::vector<std::int64_t>& shape);
};

}  // namespace sapnet::model
