// Reference for the contrastive loss (kernels/feature_contrast/feature_contrast.h), in double precision.
#pragma once

#include <span>
#include <vector>

namespace sapnet::reference {

double feature_contrast(std::span<const double> derained, std::span<const double> clean,
                        std::span<const double> rainy);

/// The gradient with respect to the derained features.
std::vector<double> feature_contrast_gradient(std::span<const double> derained, std::span<const double> clean,
                                              std::span<const double> rainy);

}  // namespace sapnet::reference
