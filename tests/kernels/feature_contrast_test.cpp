#include "kernels/feature_contrast/feature_contrast.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/feature_contrast.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

struct Maps {
  std::vector<float> derained, clean, rainy;
};

/// Values between `distance` and twice `distance` from the map's, away from the kink of |·|.
std::vector<float> away_from(std::vector<float> map, std::uint32_t seed, float distance, engine::DType maps) {
  const auto steps = random_values(static_cast<std::int64_t>(map.size()), seed, distance);
  for (std::size_t k = 0; k < map.size(); ++k)
    map[k] += steps[k] < 0 ? steps[k] - distance : steps[k] + distance;
  return stored(map, maps);
}

Maps random_maps(std::int64_t count, engine::DType maps) {
  const auto derained = stored(random_values(count, 1), maps);
  return {derained, away_from(derained, 2, 0.2F, maps), away_from(derained, 3, 0.3F, maps)};
}

std::vector<double> exact(const std::vector<float>& map) { return {map.begin(), map.end()}; }

void check(const Maps& m, engine::DType maps, float dvalue) {
  const auto count = static_cast<std::int64_t>(m.derained.size());
  const kernels::FeatureContrastProblem p{count};
  INFO(count << " numbers");
  const auto derained = exact(m.derained), clean = exact(m.clean), rainy = exact(m.rainy);
  const double expected = reference::feature_contrast(derained, clean, rainy);
  auto gradient = reference::feature_contrast_gradient(derained, clean, rainy);
  double a = 0, b = 0;
  for (std::size_t k = 0; k < derained.size(); ++k) {
    a += std::abs(derained[k] - clean[k]) / static_cast<double>(count);
    b += std::abs(derained[k] - rainy[k]) / static_cast<double>(count);
  }
  // A gradient is a few operations on two terms, which may cancel.
  const double size = std::abs(static_cast<double>(dvalue)) / static_cast<double>(count) *
                      (1 / (b + 1e-7) + a / ((b + 1e-7) * (b + 1e-7)));
  std::vector<double> tolerance;
  for (double& value : gradient) {
    value *= static_cast<double>(dvalue);
    tolerance.push_back(rounding(size) + storage_rounding(maps, std::abs(value)));
  }

  for (const Implementation* implementation : implementations(Variants::kSimd, maps)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray d(m.derained), g(m.clean), r(m.rainy), value(1), alone(1), factors(2),
          signs(static_cast<std::size_t>(p.floats_of_signs())), factor(std::vector{dvalue}),
          dderained(m.derained.size());
      auto* const bytes = reinterpret_cast<std::int8_t*>(signs.data());
      kernels::FeatureContrastArguments<> arguments = {
          .derained = d.data(), .clean = g.data(), .rainy = r.data(), .value = alone.data()};
      implementation->run(OPERATION(feature_contrast), p, arguments);
      arguments.value = value.data();
      arguments.signs = bytes;
      arguments.factors = factors.data();
      implementation->run(OPERATION(feature_contrast), p, arguments);
      check_same_bits("the value alone", alone.values(), value.values());
      implementation->run(OPERATION(feature_contrast_backward), p,
                          kernels::FeatureContrastBackwardArguments<>{.signs = bytes,
                                                                      .factors = factors.data(),
                                                                      .dvalue = factor.data(),
                                                                      .dderained = dderained.data()});
      return std::vector<std::vector<float>>{copy(value), copy(dderained), copy(signs), copy(factors)};
    });
    check_close("value", {1}, written[0], std::vector{expected}, std::vector{rounding(expected)});
    check_close("dderained", {count}, written[1], gradient, tolerance);
  }
}

/// Checks the reference's gradient against numerical derivatives; too slow for large maps.
void check_numerically(const Maps& m) {
  const auto derained = exact(m.derained), clean = exact(m.clean), rainy = exact(m.rainy);
  const auto by_formula = reference::feature_contrast_gradient(derained, clean, rainy);
  const auto numeric = reference::numeric_gradient(derained, [&](const std::vector<double>& moved) {
    return reference::feature_contrast(moved, clean, rainy);
  });
  // Both means are between 0.2 and 0.6, so the value is below 3 and its third derivative with respect to one
  // element below 6 · 3 / 0.2³; see numeric_gradient.h for the resulting error.
  for (std::size_t k = 0; k < numeric.size(); ++k)
    CHECK(std::abs(numeric[k] - by_formula[k]) <= 2e-11 * (3 + 6 * 3 / 0.008));
}

KERNEL_TEST_CASE("feature_contrast and its gradient at ragged sizes", "[kernels][feature_contrast]") {
  for (const engine::DType maps : stored_types()) {
    for (const std::int64_t count : {1, 7, 3 * 17 * 23 * 3}) {
      const Maps random = random_maps(count, maps);
      check_numerically(random);
      check(random, maps, -50);
    }
  }
}

KERNEL_TEST_CASE("feature_contrast of more elements than one block",
                 "[kernels][feature_contrast][not_tsan]") {
  for (const engine::DType maps : stored_types()) {
    check(random_maps(40001, maps), maps, 1000);       // several CPU blocks, the last one partial
    check(random_maps(131072 + 77, maps), maps, 1e4);  // the same on a GPU
  }
}

KERNEL_TEST_CASE("feature_contrast has no gradient where features are equal", "[kernels][feature_contrast]") {
  for (const engine::DType maps : stored_types()) {
    Maps m = random_maps(100, maps);
    for (const std::size_t k : {0UL, 7UL, 8UL, 50UL, 99UL}) m.clean[k] = m.derained[k];
    for (const std::size_t k : {1UL, 7UL, 31UL, 98UL}) m.rainy[k] = m.derained[k];
    check(m, maps, 3);
    m.clean = m.derained;
    check(m, maps, 3);
    m.rainy = m.derained;
    check(m, maps, 3);
    // Only ε keeps the value finite here, and in fp16 the gradient fits only because of dvalue.
    check({m.derained, random_maps(100, maps).clean, m.derained}, maps, 1e-3F);
  }
}

}  // namespace
}  // namespace sapnet::tests
