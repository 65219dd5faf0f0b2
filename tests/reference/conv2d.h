// Reference for conv2d (kernels/conv2d/conv2d.h), in double precision.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::reference {

/// The sums of a convolution with bias, and the magnitude of their terms.
struct Convolution {
  std::vector<double> sum;        // (n, out_h, out_w, out_channels)
  std::vector<double> magnitude;  // the same shape: the 2-norm of the products and the bias
};

/// in: (n, h, w, in_channels[k]), the second empty if it has no channels. weight: (out_channels,
/// total_in_channels, kernel, kernel). bias: (out_channels), or empty.
Convolution convolve(const kernels::Conv2dProblem& problem, const std::array<std::span<const float>, 2>& in,
                     std::span<const float> weight, std::span<const float> bias);

/// The epilogue: multiply by scale[n, o]; ReLU if `relu`; add the residual; a second ReLU if there was a ReLU
/// and a residual, or if relu_after_residual. sum, residual: (n, out_h, out_w, out_channels); scale: (n,
/// out_channels). Scale and residual may be empty.
std::vector<double> finish(const kernels::Conv2dProblem& problem, std::span<const double> sum,
                           std::span<const double> scale, std::span<const double> residual, bool relu,
                           bool relu_after_residual = false);

/// wgrad and dbias of kernels/conv2d/conv2d_backward.h, and the magnitudes of their terms.
struct ConvolutionGradients {
  std::vector<double> weight, weight_magnitude;  // (out_channels, total_in_channels, kernel, kernel)
  std::vector<double> bias, bias_magnitude;      // (out_channels)
};
ConvolutionGradients convolve_backward(const kernels::Conv2dProblem& problem,
                                       const std::array<std::span<const float>, 2>& in,
                                       std::span<const float> grad_preactivation);

/// dgrad for one input map, and the 2-norm of the terms of each element. weight: as in the forward
/// convolution.
Convolution convolve_dgrad(const kernels::Conv2dProblem& problem, std::size_t map,
                           std::span<const float> weight, std::span<const float> grad_preactivation);

}  // namespace sapnet::reference
