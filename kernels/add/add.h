// Adding one array to another.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels::cpu {

/// to[k] += from[k] for `count` numbers.
void add(std::int64_t count, const float* from, float* to);

}  // namespace sapnet::kernels::cpu
