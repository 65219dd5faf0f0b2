// What attended_conv must know of its input; the reason stands in kernels/shifted_sums/shifted_sums.h.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace sapnet::engine {

/// A map and its shifted sums, which the operation that made it gathered on the way.
struct SummedMap {
  Tensor map;                 // (n, h, w, c)
  Tensor shifted_sums;        // (n, partials, 9, c), in as many partials as that operation's kernel writes
  std::int64_t dilation = 1;  // of the attended_conv that the sums are for
};

}  // namespace sapnet::engine
