// Which SIMD instructions the CPU kernels use. Every kernel is compiled for several instruction sets, and
// the best that this CPU has is picked at run time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sapnet::kernels {

/// The instruction sets that the kernels are compiled for and this CPU has, best first.
std::vector<std::int64_t> simd_targets();

/// The instruction sets that the kernels are compiled for and this CPU lacks.
std::vector<std::int64_t> missing_simd_targets();

/// Makes every kernel use that one of simd_targets(), for tests and measurements; 0: the best again.
void use_simd_target(std::int64_t target);

/// "AVX2", "AVX-512", "NEON", …
std::string simd_name(std::int64_t target);

}  // namespace sapnet::kernels
