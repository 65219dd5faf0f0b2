// Include before Highway in every SIMD source. Disables instruction sets that give these kernels no
// benefit over a similar one.
#pragma once

#define SAPNET_SAME_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// For sanitizers, AVX2 and the fallback suffice: the others run the same code, and each takes minutes to
// compile.
#ifdef SAPNET_FEW_SIMD_TARGETS
#define HWY_DISABLED_TARGETS (SAPNET_SAME_TARGETS | HWY_SSE4 | HWY_AVX3)
#else
#define HWY_DISABLED_TARGETS SAPNET_SAME_TARGETS
#endif
