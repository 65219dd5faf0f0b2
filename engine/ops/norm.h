// The norm of a tensor, or the distance between two, computed on the device. Equation: kernels/norm/norm.h.
// Not differentiable.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// Writes the norm to `value`, a scalar. b: of a's shape, or empty for zero; all fp32. Throws Error with both
/// shapes on a mismatch.
void norm(const Tensor& a, const Tensor& b, Tensor value);

}  // namespace sapnet::engine
