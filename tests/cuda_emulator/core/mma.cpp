// The tensor cores' matrix multiply-accumulate on fragments.
#include <cuda_fp16.h>

#include <cstring>

#include "tests/cuda_emulator/core/collectives.h"
#include "tests/cuda_emulator/core/sanitizers.h"

namespace sapnet::cuda_emulator {
namespace {

constexpr unsigned kM = 16, kN = 8, kK = 16;
using Columns = float __attribute__((vector_size(kN * sizeof(float))));  // a row of b or d

/// Eight halves.
void to_floats(const std::uint32_t (&halves)[4], float (&floats)[8]) {
#ifdef __F16C__
  _mm256_storeu_ps(floats, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves))));
#else
  for (unsigned i = 0; i < 8; ++i)
    floats[i] = float_from_half(static_cast<std::uint16_t>(halves[i / 2] >> i % 2 * 16));
#endif
}

/// d += a · b for the whole warp, with the fragment layouts of kernels/gpu.cuh.
void multiply(Warp& warp) {
  alignas(64) float a[kM][kK];
  alignas(64) float b[kK][kN];
  alignas(64) float d[kM][kN];
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    float values[8];
    to_floats(warp.a[lane], values);
    for (unsigned r = 0; r < 4; ++r) std::memcpy(&a[g + 8 * (r % 2)][2 * t + 8 * (r / 2)], values + 2 * r, 8);
    to_floats({warp.b[lane][0], warp.b[lane][1], 0, 0}, values);
    for (unsigned r = 0; r < 2; ++r) {
      b[2 * t + 8 * r][g] = values[2 * r];
      b[2 * t + 8 * r + 1][g] = values[2 * r + 1];
    }
    for (unsigned r = 0; r < 2; ++r) std::memcpy(&d[g + 8 * r][2 * t], warp.d[lane] + 2 * r, 8);
  }
  Columns rows[kK];
  std::memcpy(rows, b, sizeof b);
  for (unsigned m = 0; m < kM; ++m) {
    Columns sum;
    std::memcpy(&sum, d[m], sizeof sum);
    for (unsigned k = 0; k < kK; ++k) sum += a[m][k] * rows[k];
    std::memcpy(d[m], &sum, sizeof sum);
  }
  for (unsigned lane = 0; lane < kLanes; ++lane)
    for (unsigned r = 0; r < 2; ++r) std::memcpy(warp.d[lane] + 2 * r, &d[lane / 4 + 8 * r][lane % 4 * 2], 8);
}

}  // namespace

void multiply_fragments(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                        Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  Warp& warp = *self.warp;
  std::memcpy(warp.a[self.lane], a, sizeof a);
  std::memcpy(warp.b[self.lane], b, sizeof b);
  std::memcpy(warp.d[self.lane], d, sizeof d);
  if (meet(self, {Collective::kMma, kAllLanes, where})) {
    multiply(warp);
    std::memcpy(d, warp.d[self.lane], sizeof d);
    part(self, kAllLanes);
  } else {
    warp.block->worker->wait(self);
    std::memcpy(d, warp.d[self.lane], sizeof d);
  }
}

}  // namespace sapnet::cuda_emulator
