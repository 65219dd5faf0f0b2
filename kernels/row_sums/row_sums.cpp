#include "kernels/row_sums/row_sums.h"

#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_sums/row_sums.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/row_sums/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

void row_sums_of(const RowSumsProblem& p, const float* in, float* out, std::int64_t row) {
  sum_row(in + row * p.w * p.c, p.w, p.c, p.dilation, out + row * 3 * p.c);
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {

HWY_EXPORT(row_sums_of);

void row_sums(const RowSumsProblem& problem, const float* in, float* out) {
  parallel_for(problem.n * problem.h, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(row_sums_of)(problem, in, out, row);
  });
}

}  // namespace sapnet::kernels::cpu
#endif
