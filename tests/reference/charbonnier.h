// The Charbonnier loss (kernels/charbonnier/charbonnier.h) as it is defined, in double precision.
#pragma once

#include <span>

namespace sapnet::reference {

/// x, y: of one size, at least 1.
double charbonnier(std::span<const double> x, std::span<const double> y);

}  // namespace sapnet::reference
