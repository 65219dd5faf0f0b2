// Synchronisation of the lanes of a warp.
#pragma once

#include <cstdint>

#include "tests/cuda_emulator/core/worker.h"

namespace sapnet::cuda_emulator {

/// Joins the lanes of the mask. Returns true for the last to arrive, which then does the work for all and
/// calls part(); the others wait. Fails unless all make the same call from the same source line.
bool meet(Thread& self, const CollectiveCall& call);
/// Releases the lanes of the mask.
void part(Thread& self, std::uint32_t mask);

}  // namespace sapnet::cuda_emulator
