// Bilinear resizing on tensors; its equations stand in kernels/resize_bilinear/resize_bilinear.h.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace sapnet::engine {

/// x, a map of fp32 or, on a GPU, fp16, as h × w pixels, as PyTorch's align_corners=False has it; stored
/// likewise. The residual, of the result's shape, is added, and overwritten with the result when it is the
/// only handle to its memory. Throws Error naming both shapes when it does not fit.
Tensor resize_bilinear(const Tensor& x, std::int64_t h, std::int64_t w, Tensor residual = {});

}  // namespace sapnet::engine
