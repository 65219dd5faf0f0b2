// Checks the shifted sums that a kernel wrote with a map.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/reference/shifted_sums.h"

namespace sapnet::tests {

/// Fails the test unless the partials, (n, any number, 9, c), add up to the sums of the map, (n, h, w, c).
///
/// A partial is an fp32 sum over one part of the map, of h·w / partials elements if the parts are equal; its
/// tolerance is the sum_tolerance of that many terms, at the scale of the part. The partials' tolerances add
/// up to one at the scale of the map. They are added in double, and the result is rounded once more.
inline void check_shifted_sums(const kernels::ShiftedSumsProblem& p, std::span<const float> map,
                               std::span<const float> partials) {
  const auto expected = reference::shifted_sums(p, map);
  const auto images = static_cast<std::size_t>(p.n), sums = static_cast<std::size_t>(9 * p.c);
  REQUIRE(!partials.empty());
  REQUIRE(partials.size() % (images * sums) == 0);
  const std::size_t per_image = partials.size() / images;
  const double terms = static_cast<double>(p.h * p.w * 9 * p.c) / static_cast<double>(per_image);
  std::vector<float> added;
  std::vector<double> tolerance;
  for (std::size_t k = 0; k < images * sums; ++k) {
    double sum = 0;
    for (std::size_t part = 0; part < per_image; part += sums)
      sum += static_cast<double>(partials[k / sums * per_image + part + k % sums]);
    added.push_back(static_cast<float>(sum));
    const double magnitude = expected.magnitudes[k];
    tolerance.push_back(sum_tolerance(terms, magnitude) + rounding(magnitude));
  }
  check_close("shifted sums", {p.n, 3, 3, p.c}, added, expected.sums, tolerance);
}

}  // namespace sapnet::tests
