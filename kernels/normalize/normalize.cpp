#include "kernels/normalize/normalize.h"

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void normalize(const Context& /*context*/, const NormalizeProblem& p, const NormalizeArguments& a) {
  parallel_for_blocks(p.pixels, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pixel = begin; pixel < end; ++pixel)
      for (std::size_t c = 0; c < 3; ++c)
        a.out[pixel * 3 + static_cast<std::int64_t>(c)] =
            (a.in[pixel * 3 + static_cast<std::int64_t>(c)] - p.mean[c]) * p.factor[c];
  });
}

}  // namespace sapnet::kernels::cpu
