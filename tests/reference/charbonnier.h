// Reference for the Charbonnier loss (kernels/charbonnier/charbonnier.h), in double precision.
#pragma once

#include <span>

namespace sapnet::reference {

/// x, y: the same size, at least 1.
double charbonnier(std::span<const double> x, std::span<const double> y);

}  // namespace sapnet::reference
