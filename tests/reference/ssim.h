// Reference for structural similarity (kernels/ssim/ssim.h), in double precision.
#pragma once

#include <span>

#include "kernels/ssim/ssim.h"

namespace sapnet::reference {

/// x, y: (n, h, w, c).
double ssim(const kernels::SsimProblem& problem, std::span<const double> x, std::span<const double> y);

}  // namespace sapnet::reference
