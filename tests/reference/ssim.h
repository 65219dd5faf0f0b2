// Structural similarity (kernels/ssim/ssim.h) as it is defined, in double precision.
#pragma once

#include <span>

#include "kernels/ssim/ssim.h"

namespace sapnet::reference {

/// x, y: (n, h, w, c).
double ssim(const kernels::SsimProblem& problem, std::span<const double> x, std::span<const double> y);

}  // namespace sapnet::reference
