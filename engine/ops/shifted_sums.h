// The input of attended_conv: a map and its shifted sums (kernels/shifted_sums/shifted_sums.h).
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace sapnet::engine {

/// A map and its shifted sums, accumulated by the operation that wrote the map.
struct SummedMap {
  Tensor map;           // (n, h, w, c)
  Tensor shifted_sums;  // (n, partials, 9, c); the number of partials depends on the kernel that wrote them
  std::int64_t dilation = 1;  // of the attended_conv that the sums are for
};

}  // namespace sapnet::engine
