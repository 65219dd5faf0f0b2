// Building the layers of networks that are looked through but not trained.
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

/// What a convolution is but for its weights.
struct ConvSpec {
  std::array<std::int64_t, 2> in = {};
  std::int64_t out = 0, kernel = 3;
  engine::Conv2dGeometry geometry = {};
};

/// Takes a frozen network's tensors by name and remembers which. Gradients go through its layers to what they
/// were given. All throw Error naming the tensor and the file when one is missing, has another shape, or a
/// value that is not finite.
class FrozenLayerBuilder {
 public:
  /// Maps between layers are stored as execution.maps.
  FrozenLayerBuilder(const engine::Parameters& parameters, const engine::Execution& execution);

  /// NAME.weight (out, in, kernel, kernel) and NAME.bias (out). inputs, outputs: what these are stored as.
  engine::Conv2dWeights conv2d(const std::string& name, const ConvSpec& conv, engine::DType inputs,
                               engine::DType outputs);

  /// NAME.weight alone.
  engine::Conv2dWeights conv2d_without_bias(const std::string& name, const ConvSpec& conv,
                                            engine::DType inputs);

  /// CONV.weight with the batch normalisation NORM behind it, by its running statistics, folded in:
  /// w γ / √(var + ε), and β - mean γ / √(var + ε) as its bias; ε = 1e-5.
  engine::Conv2dWeights conv2d_with_norm(const std::string& conv_name, const std::string& norm,
                                         const ConvSpec& conv, engine::DType inputs);

  /// A list of `count` numbers.
  engine::Tensor numbers(const std::string& name, std::int64_t count);

  /// The values of a tensor of that shape.
  const std::vector<float>& values(const std::string& name, const std::vector<std::int64_t>& shape);

  /// Throws Error when the file holds a tensor that no layer took.
  void finish() const { parameters_->expect_only(taken_); }

 private:
  engine::Conv2dWeights build_conv(std::vector<float> weight, std::vector<float> bias, const ConvSpec& conv,
                                   engine::DType inputs, engine::DType outputs) const;

  const engine::Parameters* parameters_;
  engine::Execution execution_;
  std::vector<std::string> taken_;
};

}  // namespace sapnet::model
