// The LPIPS distance on one feature map. Equation: kernels/feature_distance/feature_distance.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The weighted squared distance between the features of two images, each pixel's vector scaled to unit
/// length, averaged over images and pixels: a scalar, not negative. Maps (n, h, w, c) of the same dtype;
/// weight: c fp32 values of any shape, not negative. Only `derained` gets a gradient. Throws Error with both
/// shapes on a mismatch.
Tensor feature_distance(const Tensor& derained, const Tensor& clean, const Tensor& weight);

}  // namespace sapnet::engine
