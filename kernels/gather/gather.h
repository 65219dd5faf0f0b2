// Weights in the order in which a GPU's kernels read them, once it is known where each of them comes from:
//
//   out[k] = in[places[k] - 1], or 0 where places[k] is 0, which is padding
//
// The CPU has no use for it: what Winograd reads are no weights but sums of them.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels::cuda {

/// places: (count), whole numbers up to 2^24, as far as fp32 holds them exactly. in: (as many as the largest
/// place), out: (count), float or Half, other memory.
template <class T>
void gather(std::int64_t count, const float* in, const float* places, T* out, CudaStream stream);

}  // namespace sapnet::kernels::cuda
