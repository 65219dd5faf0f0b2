// The contrastive loss on features (kernels/feature_contrast/feature_contrast.h) as it is defined, in double
// precision.
#pragma once

#include <span>
#include <vector>

namespace sapnet::reference {

double feature_contrast(std::span<const double> derained, std::span<const double> clean,
                        std::span<const double> rainy);

/// Its gradient by the derained features.
std::vector<double> feature_contrast_gradient(std::span<const double> derained, std::span<const double> clean,
                                              std::span<const double> rainy);

}  // namespace sapnet::reference
