// How lanes of a warp meet.
#pragma once

#include <cstdint>

#include "tests/cuda_emulator/core/worker.h"

namespace sapnet::cuda_emulator {

/// Joins the lanes of the mask; true for the last to come, which then does for all what is to be done and
/// calls part(). The others wait. Fails unless all call the same from the same place.
bool meet(Thread& self, const CollectiveCall& call);
/// Lets the lanes of the mask go on.
void part(Thread& self, std::uint32_t mask);

}  // namespace sapnet::cuda_emulator
