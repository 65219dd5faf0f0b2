#include "kernels/charbonnier/charbonnier.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/charbonnier.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

constexpr float kDvalue = -3;

/// Value and gradient of an implementation.
std::vector<std::vector<float>> computed(const Implementation& implementation, const std::vector<float>& x,
                                         const std::vector<float>& y) {
  const auto count = static_cast<std::int64_t>(x.size());
  return run_repeatedly([&] {
    GuardedArray xs(x), ys(y), value(1), dvalue(std::vector{kDvalue}), dx(x.size());
    implementation.run(OPERATION(charbonnier), count,
                       kernels::CharbonnierArguments{.x = xs.data(), .y = ys.data(), .value = value.data()});
    implementation.run(OPERATION(charbonnier_backward), count,
                       kernels::CharbonnierBackwardArguments{
                           .x = xs.data(), .y = ys.data(), .dvalue = dvalue.data(), .dx = dx.data()});
    return std::vector<std::vector<float>>{copy(value), copy(dx)};
  });
}

/// distance: bound of the differences between x and y.
void check(std::int64_t count, float distance) {
  INFO(count << " numbers, distance " << distance);
  const auto x = random_values(count, 1), offsets = random_values(count, 2, distance);
  std::vector<float> y = x;
  for (std::size_t k = 0; k < y.size(); ++k) y[k] += offsets[k];
  const std::vector<double> exact_x(x.begin(), x.end()), exact_y(y.begin(), y.end());
  const double expected = reference::charbonnier(exact_x, exact_y);
  // An element affects only its own term, so the sum over the others is left out.
  std::vector<double> expected_dx;
  for (std::size_t k = 0; k < x.size(); ++k)
    expected_dx.push_back(reference::numeric_gradient({exact_x[k]}, [&](const std::vector<double>& moved) {
      return static_cast<double>(kDvalue) / static_cast<double>(count) *
             reference::charbonnier(moved, std::vector{exact_y[k]});
    })[0]);
  // The kernels compute in double and round to fp32 once. The numerical derivative is less accurate: see
  // numeric_gradient.h, with a third derivative of √(d² + ε²) of at most 0.86 / ε².
  const double of_numeric = std::abs(static_cast<double>(kDvalue)) / static_cast<double>(count) * 2e-11 *
                            (0.86 / (kernels::kCharbonnierEpsilon * kernels::kCharbonnierEpsilon) + 2);
  std::vector<double> tolerance;
  for (const double value : expected_dx) tolerance.push_back(0x1.1p-24 * std::abs(value) + of_numeric);
  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    const auto written = computed(*implementation, x, y);
    check_close("value", {1}, written[0], std::vector{expected}, std::vector{0x1.1p-24 * expected});
    check_close("dx", {count}, written[1], expected_dx, tolerance);
  }
}

KERNEL_TEST_CASE("charbonnier and its gradient at ragged sizes", "[kernels][charbonnier]") {
  for (const float distance : {1.0F, 0.01F, 0.001F})
    for (const std::int64_t count : {1, 7, 129, 3000}) check(count, distance);
}

KERNEL_TEST_CASE("charbonnier of equal maps is epsilon, with zero gradient", "[kernels][charbonnier]") {
  const auto x = random_values(33, 1);
  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    const auto written = computed(*implementation, x, x);
    CHECK(written[0][0] == static_cast<float>(kernels::kCharbonnierEpsilon));
    for (const float dx : written[1]) CHECK(dx == 0);
  }
}

KERNEL_TEST_CASE("charbonnier over more elements than one GPU grid or CPU job", "[kernels][charbonnier]") {
  // The differences cycle through 0, 1 and 2.
  const std::int64_t count = 150001;
  const std::vector<float> x(static_cast<std::size_t>(count), 1.0F);
  std::vector<float> y = x;
  for (std::size_t k = 0; k < y.size(); ++k) y[k] -= static_cast<float>(k % 3);
  const std::vector<double> exact_x(x.begin(), x.end()), exact_y(y.begin(), y.end());
  const double expected = reference::charbonnier(exact_x, exact_y);
  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    const auto written = computed(*implementation, x, y);
    check_close("value", {1}, written[0], std::vector{expected}, std::vector{0x1.1p-24 * expected});
    for (std::size_t k = 0; k < y.size(); ++k) {
      const auto difference = static_cast<double>(k % 3);
      const double dx = static_cast<double>(kDvalue) / static_cast<double>(count) * difference /
                        std::hypot(difference, kernels::kCharbonnierEpsilon);
      if (std::abs(static_cast<double>(written[1][k]) - dx) > 0x1.1p-24 * std::abs(dx))
        FAIL("dx[" << k << "] is " << written[1][k] << ", not " << dx);
    }
  }
}

}  // namespace
}  // namespace sapnet::tests
