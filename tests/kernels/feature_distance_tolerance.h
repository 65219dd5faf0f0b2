// Tolerances of feature_distance and its gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "engine/dtype.h"
#include "tests/kernels/close.h"
#include "tests/kernels/implementations.h"
#include "tests/reference/feature_distance.h"

namespace sapnet::tests {

/// In fp32, the relative error of a length over c channels is half that of its sum of squares, and that of a
/// normalised feature is `unit`. So for a pixel, the differences D^ - G^ are off by at most 2 unit in the
/// 2-norm, and are at most 2. (The CPU computes in double and is far closer.)
class FeatureDistanceTolerance {
 public:
  FeatureDistanceTolerance(const kernels::FeatureDistanceProblem& problem,
                           const std::vector<double>& derained, const std::vector<double>& weight,
                           double dvalue)
      : channels_(static_cast<std::size_t>(problem.c)),
        unit_(sum_tolerance(static_cast<double>(problem.c), 1) + rounding(1)),
        largest_(*std::max_element(weight.begin(), weight.end())),
        u_(largest_ * std::abs(dvalue) / static_cast<double>(problem.pixels())),
        lengths_(reference::feature_lengths(problem, derained)) {}

  /// The value is the mean of squares whose roots are off by 2 unit √(largest weight).
  double of_value(double value) const {
    return 4 * unit_ * std::sqrt(value * largest_) + 4 * unit_ * unit_ * largest_ +
           sum_tolerance(static_cast<double>(channels_), value) + rounding(value);
  }

  /// The 2-norm of u is at most 4 u_, so u is off by 4 unit · u_; D^ (D·u) / r by that and by 3 unit of its
  /// own 4 u_; dividing by r + ε adds one unit more: together 4 · (1 + 1 + 3 + 1) unit · u_.
  std::vector<double> of_gradient(const std::vector<double>& gradient, engine::DType maps) const {
    std::vector<double> tolerance;
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      const double length = lengths_[k / channels_];
      const double computed = length == 0 ? 0 : 24 * unit_ * u_ / (length + 1e-10);
      tolerance.push_back(computed + storage_rounding(maps, std::abs(gradient[k])));
    }
    return tolerance;
  }

 private:
  std::size_t channels_;
  double unit_, largest_, u_;
  std::vector<double> lengths_;
};

}  // namespace sapnet::tests
