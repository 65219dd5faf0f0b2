// Memory that a CPU kernel needs while it works on one job.
#pragma once

#include <cstddef>

namespace sapnet::kernels {

/// `count` floats, 64-byte aligned, that belong to the calling thread until it calls again. Holds whatever
/// was there before, or zeros: never uninitialised memory, whose stray NaNs would slow down unused lanes.
float* scratch(std::size_t count);

}  // namespace sapnet::kernels
