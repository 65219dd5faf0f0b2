#include "kernels/normalize/normalize.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void normalize(const NormalizeProblem& p, const float* in, float* out) {
  constexpr std::int64_t kBlock = 16384;
  parallel_for((p.pixels + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t end = std::min(p.pixels, (block + 1) * kBlock);
    for (std::int64_t pixel = block * kBlock; pixel < end; ++pixel)
      for (std::size_t c = 0; c < 3; ++c)
        out[pixel * 3 + static_cast<std::int64_t>(c)] =
            (in[pixel * 3 + static_cast<std::int64_t>(c)] - p.mean[c]) * p.factor[c];
  });
}

}  // namespace sapnet::kernels::cpu
