// Include before Highway in every SIMD source. Disables instruction sets that bring these kernels nothing
// over their neighbours.
#pragma once

#define SAPNET_SAME_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// Sanitizers see in AVX2 and in the plain fallback what they would see in the others, and take minutes to
// compile each.
#ifdef SAPNET_FEW_SIMD_TARGETS
#define HWY_DISABLED_TARGETS (SAPNET_SAME_TARGETS | HWY_SSE4 | HWY_AVX3)
#else
#define HWY_DISABLED_TARGETS SAPNET_SAME_TARGETS
#endif
