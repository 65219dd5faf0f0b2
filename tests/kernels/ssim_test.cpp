#include "kernels/ssim/ssim.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/numeric_gradient.h"
#include "tests/reference/ssim.h"

namespace sapnet::tests {
namespace {

using kernels::SsimProblem;

/// In [0, 1], with y near x or independent of it.
std::vector<float> image(const SsimProblem& p, std::uint32_t seed) {
  auto values = random_values(p.count(), seed, 0.5F);
  for (float& value : values) value += 0.5F;
  return values;
}

void check(const SsimProblem& p, float distance) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", distance " << distance);
  const auto x = image(p, 1);
  auto y = image(p, 2);
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = x[k] + distance * (y[k] - x[k]);
  const std::vector<double> exact_x(x.begin(), x.end()), exact_y(y.begin(), y.end());
  const double expected = reference::ssim(p, exact_x, exact_y);
  constexpr float kFactor = -3;
  auto expected_dx = reference::numeric_gradient(
      exact_x, [&](const std::vector<double>& v) { return kFactor * reference::ssim(p, v, exact_y); });

  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray xs(x), ys(y), value(1), alone(1), derivatives(3 * x.size()), dx(x.size()),
          factor(std::vector{kFactor});
      implementation->run(
          OPERATION(ssim), p,
          kernels::SsimArguments{
              .x = xs.data(), .y = ys.data(), .value = value.data(), .derivatives = derivatives.data()});
      implementation->run(OPERATION(ssim), p,
                          kernels::SsimArguments{.x = xs.data(), .y = ys.data(), .value = alone.data()});
      check_same_bits("the value alone", alone.values(), value.values());
      implementation->run(OPERATION(ssim_backward), p,
                          kernels::SsimBackwardArguments{.x = xs.data(),
                                                         .y = ys.data(),
                                                         .derivatives = derivatives.data(),
                                                         .dvalue = factor.data(),
                                                         .dx = dx.data()});
      return std::vector<std::vector<float>>{copy(value), copy(dx), copy(derivatives)};
    });
    check_close("SSIM", {1}, written[0], std::vector{expected}, std::vector{rounding(1)});
    // The derivatives are stored in fp32; dx sums the window over them.
    double largest = 0;
    for (const float derivative : written[2])
      largest = std::max(largest, std::abs(static_cast<double>(derivative)));
    const double tolerance =
        std::abs(kFactor) / static_cast<double>(p.count()) * 4 * rounding(largest) + 1e-9;
    check_close("dx", {p.n, p.h, p.w, p.c}, written[1], expected_dx,
                std::vector<double>(x.size(), tolerance));
  }
}

KERNEL_TEST_CASE("ssim and its gradient at ragged sizes", "[kernels][ssim]") {
  for (const float distance : {0.1F, 1.0F})
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {13, 2}, {9, 11}}) check({1, h, w, 3}, distance);
  check({2, 7, 6, 1}, 1);
  check({1, 5, 6, 4}, 1);
}

KERNEL_TEST_CASE("ssim of equal maps is 1, with zero gradient", "[kernels][ssim]") { check({1, 6, 7, 3}, 0); }

}  // namespace
}  // namespace sapnet::tests
