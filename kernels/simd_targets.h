// Include before Highway in every SIMD source. Disables instruction sets that bring these kernels nothing
// over their neighbours.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
