// Bilinear resizing. Equations: kernels/resize_bilinear/resize_bilinear.h.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace sapnet::engine {

/// Resizes x, an fp32 or, on a GPU, fp16 map, to h × w pixels, as PyTorch does with align_corners=False; the
/// result has x's dtype. The residual, of the result's shape, is added, and is overwritten by the result if
/// this is the only handle to its memory. Throws Error with both shapes on a mismatch.
Tensor resize_bilinear(const Tensor& x, std::int64_t h, std::int64_t w, Tensor residual = {});

}  // namespace sapnet::engine
