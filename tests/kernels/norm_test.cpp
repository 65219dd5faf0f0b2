#include "kernels/norm/norm.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"

namespace sapnet::tests {
namespace {

float norm(const Implementation& implementation, const std::vector<float>& x, const std::vector<float>& y) {
  const auto written = run_repeatedly([&] {
    GuardedArray a(x), b(y), value(1);
    implementation.run(
        OPERATION(norm), static_cast<std::int64_t>(x.size()),
        kernels::NormArguments{.a = a.data(), .b = y.empty() ? nullptr : b.data(), .value = value.data()});
    return std::vector<std::vector<float>>{copy(value)};
  });
  return written[0][0];
}

KERNEL_TEST_CASE("the norm of an array, and the distance between two", "[kernels][norm]") {
  for (const std::int64_t count : {1, 7, 129, 200000}) {
    const auto x = random_values(count, 1, 3), y = random_values(count, 2, 3);
    double squares = 0, differences = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      squares += std::pow(static_cast<double>(x[k]), 2);
      differences += std::pow(static_cast<double>(x[k]) - static_cast<double>(y[k]), 2);
    }
    for (const Implementation* implementation : implementations(Variants::kOne)) {
      INFO(implementation->name() << ", " << count);
      // One rounding to fp32, since the sum is in double.
      constexpr double kRounding = 0x1.1p-24;
      CHECK(norm(*implementation, x, {}) == Approx(std::sqrt(squares)).epsilon(kRounding));
      CHECK(norm(*implementation, x, y) == Approx(std::sqrt(differences)).epsilon(kRounding));
      CHECK(norm(*implementation, x, x) == 0);
    }
  }
  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    CHECK(norm(*implementation, {1e30F, 1e30F}, {}) ==
          Approx(std::sqrt(2) * 1e30));  // whose squares overflow fp32
    for (const float endless : {std::numeric_limits<float>::infinity(), NAN}) {
      std::vector<float> values(300, 1.0F);
      values[299] = endless;
      CHECK_FALSE(std::isfinite(norm(*implementation, values, {})));
    }
  }
}

}  // namespace
}  // namespace sapnet::tests
