// What attended_conv must know of its input; the reason stands in kernels/row_sums/row_sums.h.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace sapnet::engine {

/// A map and its row sums, which the operation that made it gathered on the way.
struct SummedMap {
  Tensor map;                 // (n, h, w, c)
  Tensor row_sums;            // (n, h, 3, c)
  std::int64_t dilation = 1;  // of the attended_conv that the sums are for
};

}  // namespace sapnet::engine
