// Max pooling. Equations: kernels/max_pool/max_pool.h.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace sapnet::engine {

/// kernel: 2 or 3; padding: at most half of it.
struct MaxPoolGeometry {
  std::int64_t kernel = 2, stride = 2, padding = 0;
};

/// Each channel's maximum over every window of x, an fp32 or, on a GPU, fp16 map; the result has x's dtype.
/// Throws Error if the kernel is larger than the padded input.
Tensor max_pool(const Tensor& x, const MaxPoolGeometry& geometry = {});

}  // namespace sapnet::engine
