// The Charbonnier loss as a tensor, to learn from; its equations stand in kernels/charbonnier/charbonnier.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// The mean of √((x - y)² + ε²) over all elements of x and y, of one shape and fp32: one number. The gradient
/// goes to x alone. Throws Error naming both shapes when they differ.
Tensor charbonnier(const Tensor& x, const Tensor& y);

}  // namespace sapnet::engine
