// Structural similarity. Equations: kernels/ssim/ssim.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The mean structural similarity of x and y, (n, h, w, c) each, in [0, 1]: a scalar, at most 1. Only x gets
/// a gradient. Throws Error with both shapes on a mismatch.
Tensor ssim(const Tensor& x, const Tensor& y);

}  // namespace sapnet::engine
