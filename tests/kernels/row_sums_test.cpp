#include "kernels/row_sums/row_sums.h"

#include <catch2/catch.hpp>

#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/row_sums.h"

namespace sapnet::tests {
namespace {

void check(const kernels::RowSumsProblem& p) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", dilation " << p.dilation);
  const auto in = random_values(p.n * p.h * p.w * p.c, 1);
  const auto expected = reference::row_sums(p, in);
  std::vector<double> tolerance;
  for (const double magnitude : expected.magnitudes)
    tolerance.push_back(sum_tolerance(static_cast<double>(p.w), magnitude));
  for (const auto& implementation : implementations()) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray map(in), sums(static_cast<std::size_t>(p.n * p.h * 3 * p.c));
      implementation->row_sums(p, map.data(), sums.data());
      CHECK(map.intact());
      CHECK(sums.intact());
      return std::vector<std::vector<float>>{copy(sums)};
    });
    check_close("row sums", {p.n, p.h, 3, p.c}, written[0], expected.sums, tolerance);
  }
}

TEST_CASE("row_sums at ragged sizes", "[kernels][row_sums]") {
  for (const std::int64_t dilation : {1, 2, 4, 8, 16})
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {3, 200}, {17, 16}, {5, 15}, {33, 31}})
      check({1, h, w, 32, dilation});
}

TEST_CASE("row_sums of batches and of other numbers of channels", "[kernels][row_sums]") {
  for (const std::int64_t channels : {1, 3, 16, 20, 64, 100}) check({3, 6, 11, channels, 4});
}

}  // namespace
}  // namespace sapnet::tests
