#include "kernels/normalize/normalize.h"

#include <initializer_list>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"

namespace sapnet::tests {
namespace {

void check(std::initializer_list<std::int64_t> sizes) {
  for (const std::int64_t pixels : sizes) {
    const kernels::NormalizeProblem p = {pixels, {0.4F, -0.3F, 0.2F}, {4, 5, 0.25F}};
    const auto in = random_values(pixels * 3, 1);
    std::vector<double> expected, tolerance;
    for (std::size_t k = 0; k < in.size(); ++k) {
      const auto difference = static_cast<double>(in[k]) - static_cast<double>(p.mean[k % 3]);
      expected.push_back(difference * static_cast<double>(p.factor[k % 3]));
      tolerance.push_back(2 * rounding(std::abs(expected.back())));
    }
    for (const Implementation* implementation : implementations(Variants::kOne)) {
      INFO(implementation->name() << ", " << pixels << " pixels");
      const auto written = run_repeatedly([&] {
        GuardedArray from(in), to(in.size()), in_place(in);
        implementation->run(OPERATION(normalize), p, kernels::NormalizeArguments{from.data(), to.data()});
        implementation->run(OPERATION(normalize), p,
                            kernels::NormalizeArguments{in_place.data(), in_place.data()});
        check_same_bits("in place", copy(in_place), copy(to));
        return std::vector<std::vector<float>>{copy(to)};
      });
      check_close("out", {pixels, 3}, written[0], expected, tolerance);
    }
  }
}

KERNEL_TEST_CASE("normalize subtracts each channel's mean and scales", "[kernels][normalize]") {
  check({1, 7, 17 * 23, 3000});
}

TEST_CASE("normalize of more pixels than one CPU job", "[kernels][normalize]") {
  test_kernels(engine::Device::kCpu, [] { check({40000}); });
}

}  // namespace
}  // namespace sapnet::tests
