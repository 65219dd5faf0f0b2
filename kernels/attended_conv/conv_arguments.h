// What both implementations of attended_conv pass to the convolution.
#pragma once

#include "kernels/attended_conv/attended_conv.h"

namespace sapnet::kernels {

/// scale: the attention, (n, c). It is positive, so it commutes with the ReLU.
template <class T>
Conv2dArguments<T> conv_arguments(const AttendedConvProblem& p, const AttendedConvArguments<T>& a,
                                  const float* scale) {
  return {.in = {a.in, nullptr},
          .weight = a.packed,
          .bias = a.attention.bias,
          .scale = scale,
          .residual = a.residual,
          .relu = true,
          .out = a.out,
          .pre_residual = a.pre_residual,
          .shifted_sums = a.out_shifted_sums,
          .sums_dilation = p.next_dilation};
}

/// kappa: κ, (n, c); may be null where only dscale is computed.
template <class T>
Conv2dEpilogueBackwardArguments<T> epilogue_arguments(const AttendedConvProblem& p,
                                                      const AttendedConvBackwardArguments<T>& a,
                                                      const float* kappa) {
  return {.dout = a.dout,
          .out = a.out,
          .pre_residual = a.pre_residual,
          .scale = AttentionStatistics<const float>(p, a.statistics).scale,
          .shift = kappa,
          .grad_preactivation = a.dy,
          .dresidual_before = a.dresidual_before,
          .dresidual = a.dresidual};
}

}  // namespace sapnet::kernels
