// SIMD instruction sets of the CPU kernels. Every kernel is compiled for several, and the best one that the
// CPU supports is chosen at run time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sapnet::kernels {

/// The instruction sets that the kernels are compiled for and this CPU supports, best first.
std::vector<std::int64_t> simd_targets();

/// The instruction sets that the kernels are compiled for and this CPU does not support.
std::vector<std::int64_t> missing_simd_targets();

/// Makes every kernel use one of simd_targets(), for tests and benchmarks; 0 restores the best.
void use_simd_target(std::int64_t target);

/// "AVX2", "AVX-512", "NEON", …
std::string simd_name(std::int64_t target);

}  // namespace sapnet::kernels
