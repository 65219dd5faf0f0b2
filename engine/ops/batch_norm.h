// Batch normalisation on tensors; its equations stand in kernels/batch_norm/batch_norm.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

struct BatchNormOptions {
  bool relu = false;  // after the residual
  /// Added to the normalised map. Overwritten with the result when it is the only handle to its memory.
  Tensor residual = {};
};

/// x, a map of fp32 or, on a GPU, fp16, normalised by its own mean and variance over images and pixels;
/// stored likewise. gamma, beta: (1, 1, 1, c), fp32, and frozen: the way back goes to x and the residual.
/// Throws Error when one of the two is tracked, and naming both shapes when they do not fit.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, BatchNormOptions options = {});

}  // namespace sapnet::engine
