// Packs weights that have changed, with a precomputed index table:
//
//   out[k] = in[indices[k] - 1], or 0 (padding) if indices[k] is 0
//
// GPU only: on the CPU, Winograd transforms weights rather than permuting them.
#pragma once

#include <cstdint>

#include "kernels/context.h"

namespace sapnet::kernels::cuda {

/// indices, out: (count), out float or Half; in: at least as many values as the largest index. Must not
/// overlap.
template <class T>
void gather(const Context& context, std::int64_t count, const float* in, const std::int32_t* indices, T* out);

}  // namespace sapnet::kernels::cuda
