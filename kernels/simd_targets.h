// Include before Highway, in every SIMD source: the instruction sets worth compiling. What is left out
// differs from its neighbours in nothing that these kernels use.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
