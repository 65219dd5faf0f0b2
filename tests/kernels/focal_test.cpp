#include "kernels/focal/focal.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/focal.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::FocalProblem;

/// shift: added to the implementations' logits, which must not change the result.
void check(const FocalProblem& p, const std::vector<float>& logits, float shift = 0) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", gamma " << p.gamma << ", alpha " << p.alpha);
  constexpr float kDvalue = -30;
  const std::vector<double> exact(logits.begin(), logits.end());
  const auto labels = reference::labels(p, exact);
  const double expected = reference::focal(p, exact, labels);
  const auto gradient = reference::numeric_gradient(exact, [&](const std::vector<double>& moved) {
    return static_cast<double>(kDvalue) * reference::focal(p, moved, labels);
  });
  // The kernels round three times. The numerical derivative is less accurate where a gradient is small: see
  // numeric_gradient.h, with a third derivative of a pixel's loss of at most 6 (1 + γ)³.
  const double third = 6 * std::pow(1 + p.gamma, 3) / static_cast<double>(p.pixels());
  const double of_numeric = std::abs(static_cast<double>(kDvalue)) * 2e-11 * (expected + third);
  std::vector<double> tolerance;
  for (const double value : gradient) tolerance.push_back(rounding(std::abs(value)) + of_numeric);

  std::vector<float> shifted = logits;
  for (float& logit : shifted) logit += shift;
  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray in(shifted), value(1), alone(1), dlogits(logits.size()), dvalue(std::vector{kDvalue});
      implementation->run(
          OPERATION(focal), p,
          kernels::FocalArguments{.logits = in.data(), .value = alone.data(), .dlogits = nullptr});
      implementation->run(
          OPERATION(focal), p,
          kernels::FocalArguments{.logits = in.data(), .value = value.data(), .dlogits = dlogits.data()});
      check_same_bits("the value alone", alone.values(), value.values());
      implementation->run(
          OPERATION(focal_backward), p,
          kernels::FocalBackwardArguments{.dlogits = dlogits.data(), .dvalue = dvalue.data()});
      return std::vector<std::vector<float>>{copy(value), copy(dlogits)};
    });
    check_close("value", {1}, written[0], std::vector{expected}, std::vector{rounding(expected)});
    check_close("dlogits", {p.n, p.h, p.w, p.c}, written[1], gradient, tolerance);
  }
}

/// Probabilities that are not clamped.
std::vector<float> random_logits(const FocalProblem& p) { return random_values(p.pixels() * p.c, 1, 3); }

KERNEL_TEST_CASE("focal and its gradient at ragged sizes", "[kernels][focal]") {
  for (const FocalProblem& p : {FocalProblem{1, 1, 1, 2},
                                {1, 1, 7, 21},
                                {1, 17, 23, 3},
                                {3, 4, 5, 7},
                                {2, 1, 3, 64},
                                {1, 2, 3, 100},
                                {1, 3, 2, 1}})
    check(p, random_logits(p));
}

KERNEL_TEST_CASE("focal with various gammas", "[kernels][focal]") {
  for (const double gamma : {0.0, 0.5, 1.0, 2.5, 5.0}) {
    const FocalProblem p{2, 2, 3, 5, gamma, 0.25};
    check(p, random_logits(p));
  }
}

KERNEL_TEST_CASE("focal labels a pixel with the first of equal logits", "[kernels][focal]") {
  const FocalProblem p{1, 6, 7, 9};
  std::vector<float> logits = random_logits(p);
  for (float& logit : logits) logit = std::round(logit / 2);
  check(p, logits);
}

KERNEL_TEST_CASE("focal with some clamped pixels, which have no gradient", "[kernels][focal]") {
  for (const double gamma : {0.0, 0.5, 2.0}) {
    const FocalProblem p{1, 3, 4, 6, gamma, 1};
    std::vector<float> logits = random_logits(p);
    for (const std::size_t k : {0UL, 11UL, 23UL, 71UL}) logits[k] = 40;
    for (const std::size_t k : {6UL, 13UL, 35UL}) logits[k] = -40;
    check(p, logits);
  }
}

KERNEL_TEST_CASE("focal of logits whose exponential overflows", "[kernels][focal]") {
  const FocalProblem p{1, 2, 5, 4};
  std::vector<float> logits = random_logits(p);
  for (float& logit : logits) logit = std::round(logit * 64) / 64;  // so that adding the shift is exact
  check(p, logits, 1000);
  check(p, logits, -1000);
}

KERNEL_TEST_CASE("focal over more pixels than one GPU grid", "[kernels][focal][not_tsan]") {
  const FocalProblem p{1, 3, 131072 / 3 + 3, 2};
  // p_t alternates between 1/2 and 3/4.
  const auto log_of_3 = static_cast<float>(std::log(3.0));
  std::vector<float> logits(static_cast<std::size_t>(2 * p.pixels()));
  for (std::size_t k = 3; k < logits.size(); k += 4) logits[k] = log_of_3;
  const auto certain = static_cast<double>(p.pixels() / 2), all = static_cast<double>(p.pixels());
  const double expected =
      ((all - certain) * 0.25 * std::log(2.0) + certain * 0.0625 * std::log(4.0 / 3)) / all;
  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    GuardedArray in(logits), value(1), dlogits(logits.size());
    implementation->run(
        OPERATION(focal), p,
        kernels::FocalArguments{.logits = in.data(), .value = value.data(), .dlogits = dlogits.data()});
    // log 3 is rounded as well, and the loss of a pixel changes by less than that.
    CHECK(std::abs(static_cast<double>(value.data()[0]) - expected) <= rounding(expected) + rounding(1) / 8);
    const std::vector<float> gradient = copy(dlogits);
    for (std::size_t k = 4; k < gradient.size(); ++k)
      if (gradient[k] != gradient[k % 4])
        FAIL("pixel " << k / 2 << " has a different gradient from equal pixels");
  }
}

}  // namespace
}  // namespace sapnet::tests
