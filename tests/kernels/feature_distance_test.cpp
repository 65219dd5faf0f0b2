#include "kernels/feature_distance/feature_distance.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/feature_distance_tolerance.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/feature_distance.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::FeatureDistanceProblem;

struct Maps {
  std::vector<float> derained, clean;
};

Maps random_maps(const FeatureDistanceProblem& p, engine::DType maps, float scale = 1) {
  const std::int64_t size = p.pixels() * p.c;
  return {stored(random_values(size, 1, scale), maps), stored(random_values(size, 2, scale), maps)};
}

std::vector<double> exact(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// scale: typical size of the features, for the step of the numerical derivatives.
void check(const FeatureDistanceProblem& p, const Maps& m, engine::DType maps, float dvalue,
           double scale = 1) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", features of about " << scale);
  auto weight = random_values(p.c, 3, 0.5F);
  for (float& value : weight) value += 0.5F;
  const auto derained = exact(m.derained), clean = exact(m.clean), weights = exact(weight);
  const double expected = reference::feature_distance(p, derained, clean, weights);

  std::vector<double> unscaled = derained;
  for (double& value : unscaled) value /= scale;
  auto gradient = reference::numeric_gradient(unscaled, [&](std::vector<double> moved) {
    for (double& value : moved) value *= scale;
    return static_cast<double>(dvalue) / scale * reference::feature_distance(p, moved, clean, weights);
  });

  const auto lengths = reference::feature_lengths(p, derained);
  for (std::size_t k = 0; k < gradient.size(); ++k)
    if (lengths[k / static_cast<std::size_t>(p.c)] == 0) gradient[k] = 0;  // by definition
  const FeatureDistanceTolerance tolerance(p, derained, weights, static_cast<double>(dvalue));

  for (const Implementation* implementation : implementations(Variants::kSimd, maps)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray d(m.derained), g(m.clean), w(weight), value(1), factor(std::vector{dvalue}),
          dderained(m.derained.size());
      implementation->run(
          OPERATION(feature_distance), p,
          kernels::FeatureDistanceArguments<>{
              .derained = d.data(), .clean = g.data(), .weight = w.data(), .value = value.data()});
      implementation->run(OPERATION(feature_distance_backward), p,
                          kernels::FeatureDistanceBackwardArguments<>{.derained = d.data(),
                                                                      .clean = g.data(),
                                                                      .weight = w.data(),
                                                                      .dvalue = factor.data(),
                                                                      .dderained = dderained.data()});
      return std::vector<std::vector<float>>{copy(value), copy(dderained)};
    });
    check_close("value", {1}, written[0], std::vector{expected}, std::vector{tolerance.of_value(expected)});
    check_close("dderained", {p.n, p.h, p.w, p.c}, written[1], gradient,
                tolerance.of_gradient(gradient, maps));
  }
}

KERNEL_TEST_CASE("feature_distance and its gradient at ragged sizes", "[kernels][feature_distance]") {
  for (const engine::DType maps : stored_types()) {
    for (const FeatureDistanceProblem& p : {FeatureDistanceProblem{1, 1, 1, 3},
                                            {1, 1, 7, 5},
                                            {1, 17, 23, 3},
                                            {3, 4, 3, 17},
                                            {1, 2, 3, 64},
                                            {2, 1, 3, 100}})
      check(p, random_maps(p, maps), maps, -20);
  }
}

KERNEL_TEST_CASE("feature_distance over more pixels than one GPU grid",
                 "[kernels][feature_distance][not_tsan]") {
  const FeatureDistanceProblem p = {1, 1, 4 * 1024 + 3, 1};
  // With one channel only the sign counts: all pixels are 2 apart.
  const std::vector<float> ones(static_cast<std::size_t>(p.pixels()), 1), weight = {1};
  const std::vector<float> minus_ones(ones.size(), -1);
  for (const Implementation* implementation : implementations(Variants::kSimd)) {
    INFO(implementation->name());
    GuardedArray derained(ones), clean(minus_ones), w(weight), value(1);
    implementation->run(
        OPERATION(feature_distance), p,
        kernels::FeatureDistanceArguments<>{
            .derained = derained.data(), .clean = clean.data(), .weight = w.data(), .value = value.data()});
    check_close("value", {1}, value.values(), std::vector{4.0}, std::vector{rounding(4)});
  }
}

KERNEL_TEST_CASE("feature_distance of tiny, large and many features", "[kernels][feature_distance]") {
  const FeatureDistanceProblem p = {1, 2, 3, 8};
  check(p, random_maps(p, engine::DType::kFloat32, 1e-10F), engine::DType::kFloat32, 1e-6F, 1e-10);
  // The squares of these fp16 values overflow fp16, and so do their sums.
  const FeatureDistanceProblem wide = {1, 1, 2, 512};
  for (const engine::DType maps : stored_types())
    check(wide, random_maps(wide, maps, 2000), maps, 1e5F, 2000);
}

KERNEL_TEST_CASE("feature_distance of equal maps, and where all features are zero",
                 "[kernels][feature_distance]") {
  const FeatureDistanceProblem p = {1, 2, 5, 20};
  for (const engine::DType maps : stored_types()) {
    const Maps random = random_maps(p, maps);
    check(p, {random.derained, random.derained}, maps, 7);
    Maps m = random;
    const auto clear = [&](std::vector<float>& map, std::int64_t pixel) {
      std::fill_n(map.begin() + pixel * p.c, p.c, 0.0F);
    };
    clear(m.derained, 0);
    clear(m.derained, 9);
    clear(m.clean, 4);
    clear(m.clean, 9);
    check(p, m, maps, 7);
  }
}

}  // namespace
}  // namespace sapnet::tests
