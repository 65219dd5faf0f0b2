// Normalises images to the statistics of a network's training set. Equation: kernels/normalize/normalize.h.
#pragma once

#include <array>

#include "engine/tensor.h"

namespace sapnet::engine {

/// (x - mean) · factor, of x (n, h, w, 3), RGB. Throws Error for another number of channels.
Tensor normalize(const Tensor& x, const std::array<float, 3>& mean, const std::array<float, 3>& factor);

}  // namespace sapnet::engine
