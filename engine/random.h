// Counter-based random numbers: a value depends only on its counter and key, so it is the same on any thread
// or device and in a resumed run.
#pragma once

#include <array>
#include <cstdint>

namespace sapnet::engine {

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC11):
/// 128 random bits for each (counter, key).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// The upper 24 of 32 random bits as a float in [0, 1), exactly representable.
float uniform(std::uint32_t bits);

}  // namespace sapnet::engine
