// Comparison of kernel outputs with expected values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace sapnet::tests {

/// The tolerance of an fp32 sum of `terms` numbers: c·√terms·ε·scale.
///
/// Each addition rounds by at most ε/2 of the partial sum, uniformly distributed, so with a standard
/// deviation of ε/√12 of it; the errors are independent, so their squares add.
/// - Terms of random sign: the partial sum after k of n terms is about √k·t, t being the root mean square of
///   a term; the errors add up to (ε/√12)·√(Σ k)·t = 0.2·ε·√n·(√n·t): `scale` is the terms' 2-norm.
/// - Terms of one sign: the partial sum is k·t; (ε/√12)·√(Σ k²)·t = 0.17·ε·√n·(n·t): `scale` is the sum of
///   their absolute values.
/// c = 4 is then about 20 standard deviations: enough for larger partial sums than average, but too little to
/// hide a wrong term.
inline double sum_tolerance(double terms, double scale) {
  return 4 * std::sqrt(terms) * static_cast<double>(std::numeric_limits<float>::epsilon()) * scale;
}

/// The rounding error of a few operations on values of size `scale`.
inline double rounding(double scale) {
  return 4 * static_cast<double>(std::numeric_limits<float>::epsilon()) * scale;
}

/// Fails the test if an element of `actual` differs from `expected` by more than its tolerance, or is NaN,
/// and reports the worst one. extents: of the array, the last one contiguous.
inline void check_close(const std::string& what, const std::vector<std::int64_t>& extents,
                        std::span<const float> actual, std::span<const double> expected,
                        std::span<const double> tolerance) {
  REQUIRE(actual.size() == expected.size());
  REQUIRE(actual.size() == tolerance.size());
  std::size_t worst = 0, outside = 0;
  double worst_excess = 0;
  for (std::size_t k = 0; k < actual.size(); ++k) {
    const double excess = std::abs(actual[k] - expected[k]) / (tolerance[k] + 1e-37);
    if (excess <= 1) continue;  // NaN falls through
    ++outside;
    if (!(excess <= worst_excess)) {
      worst = k;
      worst_excess = std::isnan(excess) ? std::numeric_limits<double>::infinity() : excess;
    }
  }
  if (outside == 0) {
    SUCCEED();
    return;
  }
  std::string index;
  std::size_t rest = worst;
  for (auto extent = extents.rbegin(); extent != extents.rend(); ++extent) {
    const auto length = static_cast<std::size_t>(*extent);
    index = std::to_string(rest % length) + (index.empty() ? "" : ", ") + index;
    rest /= length;
  }
  std::ostringstream message;
  message.precision(9);
  message << what << ": worst at (" << index << "): got " << actual[worst] << ", expected " << expected[worst]
          << " ± " << tolerance[worst] << "; " << outside << " of " << actual.size() << " values are off";
  FAIL_CHECK(message.str());
}

/// Fails the test unless the two are bitwise equal.
inline void check_same_bits(const std::string& what, std::span<const float> a, std::span<const float> b) {
  INFO(what << ": not the same bits again");
  CHECK(std::ranges::equal(std::as_bytes(a), std::as_bytes(b)));
}

}  // namespace sapnet::tests
