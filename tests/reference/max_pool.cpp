#include "tests/reference/max_pool.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {

Pooled max_pool(const kernels::MaxPoolProblem& p, std::span<const double> in) {
  Pooled pooled;
  for (std::int64_t n = 0; n < p.n; ++n) {
    // There are outputs as long as a whole window lies inside the padded map.
    for (std::int64_t top = -p.padding; top + p.kernel <= p.h + p.padding; top += p.stride) {
      for (std::int64_t left = -p.padding; left + p.kernel <= p.w + p.padding; left += p.stride) {
        for (std::int64_t c = 0; c < p.c; ++c) {
          double best = 0;
          int argmax = -1;
          for (std::int64_t k = 0; k < p.kernel * p.kernel; ++k) {
            const std::int64_t y = top + k / p.kernel, x = left + k % p.kernel;
            if (y < 0 || y >= p.h || x < 0 || x >= p.w) continue;
            const double value = in[static_cast<std::size_t>(((n * p.h + y) * p.w + x) * p.c + c)];
            if (argmax >= 0 && value <= best) continue;
            if (std::isnan(best) && !std::isnan(value)) continue;
            best = value;
            argmax = static_cast<int>(k);
          }
          pooled.out.push_back(best);
          pooled.argmax.push_back(argmax);
        }
      }
    }
  }
  return pooled;
}

}  // namespace sapnet::reference
