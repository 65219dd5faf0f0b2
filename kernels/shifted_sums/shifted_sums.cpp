#include "kernels/shifted_sums/shifted_sums.h"

#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/shifted_sums/shifted_sums.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/shifted_sums/shifted_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

void shifted_sums_row(const ShiftedSumsProblem& p, const float* in, std::int64_t image, std::int64_t y,
                      float* out) {
  sum_row(p, in, image, y, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {

HWY_EXPORT(shifted_sums_row);

void shifted_sums(const Context& /*context*/, const ShiftedSumsProblem& problem,
                  const ShiftedSumsArguments<>& arguments) {
  parallel_for(problem.n * problem.h, [&](std::int64_t job) {
    HWY_DYNAMIC_DISPATCH(shifted_sums_row)
    (problem, arguments.in, job / problem.h, job % problem.h, arguments.out);
  });
}

}  // namespace sapnet::kernels::cpu
#endif
