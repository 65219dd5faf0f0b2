// Reference for bilinear resizing (kernels/resize_bilinear/resize_bilinear.h), as documented by PyTorch, in
// double precision.
#pragma once

#include <span>
#include <vector>

#include "kernels/resize_bilinear/resize_bilinear.h"

namespace sapnet::reference {

/// residual: of the output's size, or empty.
std::vector<double> resize_bilinear(const kernels::ResizeProblem& problem, std::span<const double> in,
                                    std::span<const double> residual = {});

}  // namespace sapnet::reference
