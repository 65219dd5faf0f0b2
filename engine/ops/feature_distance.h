// The distance of LPIPS between features as a tensor, to learn from; its equation stands in
// kernels/feature_distance/feature_distance.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The weighted squared distance between the features of two images, each pixel's brought to unit length,
/// as the mean over images and pixels: one number, not negative. Maps (n, h, w, c), both of one kind; weight:
/// c fp32 numbers of any shape, not negative. The way back goes to `derained`. Throws Error naming both
/// shapes when they differ.
Tensor feature_distance(const Tensor& derained, const Tensor& clean, const Tensor& weight);

}  // namespace sapnet::engine
