// The perceptual contrastive loss on one feature map. Equation: kernels/feature_contrast/feature_contrast.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The L1 distance between the features of the derained and the clean image, divided by that between the
/// derained and the rainy one: a scalar, not negative. Maps (n, h, w, c) of the same dtype. Only `derained`
/// gets a gradient. Throws Error with both shapes on a mismatch.
Tensor feature_contrast(const Tensor& derained, const Tensor& clean, const Tensor& rainy);

}  // namespace sapnet::engine
