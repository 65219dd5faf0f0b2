// Convolution on tensors; the equation and the order of its parts stand in kernels/conv2d/conv2d.h.
#pragma once

#include <array>
#include <cstdint>

#include "engine/execution.h"
#include "engine/ops/conv_weights.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "kernels/conv2d/conv2d.h"

namespace sapnet::engine {

/// How a convolution steps over its input, the same along both axes.
struct Conv2dGeometry {
  std::int64_t stride = 1, dilation = 1, padding = 1;
};

/// The learned weights of one convolution, arranged for a device.
class Conv2dWeights : public ConvWeights<kernels::Conv2dProblem> {
 public:
  /// weight: (out, in, k, k) as PyTorch has it; bias: (out). `in_channels` says how one or two inputs share
  /// `in`. execution.maps is what the inputs are stored as.
  Conv2dWeights(const Parameter& weight, const Parameter& bias, std::array<std::int64_t, 2> in_channels,
                const Conv2dGeometry& geometry, const Execution& execution);
};

struct Conv2dOptions {
  bool relu = false;
  /// Added to the convolution, or with `relu`: relu(relu(conv) + residual). Overwritten with the result when
  /// it is the only handle to its memory.
  Tensor residual = {};
  /// What the result is stored as, and `residual` is.
  DType maps = DType::kFloat32;
};

/// Convolves x, or [x, y]: two maps side by side along the channels.
/// Throws Error naming both shapes when they do not fit.
Tensor conv2d(const Tensor& x, const Tensor& y, const Conv2dWeights& weights, Conv2dOptions options = {});
Tensor conv2d(const Tensor& x, const Conv2dWeights& weights, Conv2dOptions options = {});

}  // namespace sapnet::engine
