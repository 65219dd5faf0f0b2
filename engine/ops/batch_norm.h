// Batch normalisation. Equations: kernels/batch_norm/batch_norm.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

struct BatchNormOptions {
  bool relu = false;  // after the residual
  /// Added to the normalised map. Overwritten by the result if this is the only handle to its memory.
  Tensor residual = {};
};

/// Normalises x, an fp32 or, on a GPU, fp16 map, by its own mean and variance over images and pixels; the
/// result has x's dtype. gamma, beta: (1, 1, 1, c), fp32, frozen: gradients flow to x and the residual only.
/// Throws Error when gamma or beta is tracked, and with both shapes on a mismatch.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, BatchNormOptions options = {});

}  // namespace sapnet::engine
