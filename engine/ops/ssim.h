// Structural similarity as a tensor, to learn from; its equations stand in kernels/ssim/ssim.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The mean structural similarity of x and y, (n, h, w, c) each, in [0, 1]: one number, at most 1. The way
/// back goes to x. Throws Error naming both shapes when they differ.
Tensor ssim(const Tensor& x, const Tensor& y);

}  // namespace sapnet::engine
