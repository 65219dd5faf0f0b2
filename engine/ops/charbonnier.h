// The Charbonnier loss. Equations: kernels/charbonnier/charbonnier.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The mean of √((x - y)² + ε²) over all elements: a scalar. x and y are fp32, of the same shape. Only x gets
/// a gradient. Throws Error with both shapes on a mismatch.
Tensor charbonnier(const Tensor& x, const Tensor& y);

}  // namespace sapnet::engine
