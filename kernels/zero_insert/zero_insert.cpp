#include "kernels/zero_insert/zero_insert.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void zero_insert(const Context& /*context*/, const ZeroInsertProblem& p, const ZeroInsertArguments<>& a) {
  parallel_for(p.n * p.out_h, [&](std::int64_t job) {
    const std::int64_t image = job / p.out_h, y = job % p.out_h;
    float* const row = a.out + job * p.out_w * p.c;
    std::fill_n(row, p.out_w * p.c, 0.0F);
    if (y % p.stride != 0 || y / p.stride >= p.h) return;
    const float* const from = a.in + (image * p.h + y / p.stride) * p.w * p.c;
    for (std::int64_t x = 0; x < p.w; ++x) std::copy_n(from + x * p.c, p.c, row + x * p.stride * p.c);
  });
}

}  // namespace sapnet::kernels::cpu
