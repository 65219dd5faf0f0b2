// Scratch memory for a job of a CPU kernel.
#pragma once

#include <cstddef>

namespace sapnet::kernels {

/// `count` floats, 64-byte aligned, valid until the calling thread's next call. Contains earlier contents or
/// zeros, never uninitialised memory, whose NaNs or subnormals would slow down unused lanes.
float* scratch(std::size_t count);

}  // namespace sapnet::kernels
