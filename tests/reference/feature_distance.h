// Reference for the LPIPS distance (kernels/feature_distance/feature_distance.h), in double precision.
#pragma once

#include <span>
#include <vector>

#include "kernels/feature_distance/feature_distance.h"

namespace sapnet::reference {

/// derained, clean: (n, h, w, c); weight: (c).
double feature_distance(const kernels::FeatureDistanceProblem& problem, std::span<const double> derained,
                        std::span<const double> clean, std::span<const double> weight);

/// The 2-norm of every pixel's channels, (n, h, w).
std::vector<double> feature_lengths(const kernels::FeatureDistanceProblem& problem,
                                    std::span<const double> map);

}  // namespace sapnet::reference
