// The contrastive loss on features as a tensor, to learn from; its equation stands in
// kernels/feature_contrast/feature_contrast.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// How far the features of the derained image are from those of the clean one, in units of how far they are
/// from those of the rainy one: one number, not negative. Maps (n, h, w, c), all of one kind. The way back
/// goes to `derained`. Throws Error naming both shapes when they differ.
Tensor feature_contrast(const Tensor& derained, const Tensor& clean, const Tensor& rainy);

}  // namespace sapnet::engine
