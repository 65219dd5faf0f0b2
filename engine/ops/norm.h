// The norm of a tensor, or the distance of two, as a number on the device; kernels/norm/norm.h has the
// equation. Nothing goes back through it.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

/// Writes it into `value`, of one number. b: of a's shape, or empty for zero; all fp32. Throws Error naming
/// both shapes when they differ.
void norm(const Tensor& a, const Tensor& b, Tensor value);

}  // namespace sapnet::engine
