#include "kernels/shifted_sums/shifted_sums.h"

#include "tests/catch.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/kernels/summed.h"

namespace sapnet::tests {
namespace {

void check(const kernels::ShiftedSumsProblem& p, engine::DType maps) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", dilation " << p.dilation);
  const auto in = stored(random_values(p.n * p.h * p.w * p.c, 1), maps);
  for (const Implementation* implementation : implementations(Variants::kSimd, maps)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      const std::int64_t partials = implementation->with_context(
          [&](const auto& context) { return shifted_sums_partials(context, p.h); });
      GuardedArray map(in), sums(static_cast<std::size_t>(p.n * partials * 9 * p.c));
      implementation->run(OPERATION(shifted_sums), p,
                          kernels::ShiftedSumsArguments<>{map.data(), sums.data()});
      return std::vector<std::vector<float>>{copy(sums)};
    });
    check_shifted_sums(p, in, written[0]);
  }
}

void check(const kernels::ShiftedSumsProblem& p) {
  for (const engine::DType maps : stored_types()) check(p, maps);
}

KERNEL_TEST_CASE("shifted_sums at ragged sizes", "[kernels][shifted_sums]") {
  for (const std::int64_t dilation : {1, 2, 4, 8, 16})
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {3, 200}, {17, 16}, {5, 15}, {33, 31}})
      check({1, h, w, 32, dilation});
}

KERNEL_TEST_CASE("shifted_sums of maps about as small as the shift", "[kernels][shifted_sums]") {
  // Below d no element stays inside when shifted; below 2d the strips that the two shifts exclude overlap.
  for (const std::int64_t h : {3, 4, 5, 7, 8, 9, 20})
    for (const std::int64_t w : {3, 4, 5, 7, 8, 9, 20}) check({1, h, w, 5, 4});
}

KERNEL_TEST_CASE("shifted_sums of batches and of other numbers of channels", "[kernels][shifted_sums]") {
  for (const std::int64_t channels : {1, 3, 16, 20, 64, 100}) check({3, 6, 11, channels, 4});
}

}  // namespace
}  // namespace sapnet::tests
