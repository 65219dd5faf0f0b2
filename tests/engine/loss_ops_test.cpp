// Argument checks of the losses on features and logits, and what they save for the backward pass. Their
// values are tested in tests/kernels and tests/golden.
#include <array>
#include <cmath>
#include <vector>

#include "engine/ops/charbonnier.h"
#include "engine/ops/feature_contrast.h"
#include "engine/ops/feature_distance.h"
#include "engine/ops/focal.h"
#include "engine/tape.h"
#include "tests/catch.h"

namespace sapnet::engine {
namespace {

constexpr Shape kShape = {2, 3, 5, 8}, kOther = {2, 3, 5, 4};

Tensor map(const Shape& shape) { return zeros(shape, Device::kCpu); }
Tensor half_map() { return {kShape, Device::kCpu, DType::kFloat16}; }
Tensor weight(std::int64_t count) { return zeros({1, count, 1, 1}, Device::kCpu); }

TEST_CASE("feature_contrast rejects maps of different shapes", "[ops]") {
  CHECK_THROWS_WITH(feature_contrast({}, map(kShape), map(kShape)),
                    "feature_contrast: the derained map is empty");
  CHECK_THROWS_WITH(feature_contrast(map(kShape), map(kOther), map(kShape)),
                    "feature_contrast: the clean map has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(feature_contrast(map(kShape), map(kShape), map(kOther)),
                    "feature_contrast: the rainy map has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(feature_contrast(map(kShape), map(kShape), half_map()),
                    "feature_contrast: the rainy map is fp16, not fp32");
  CHECK_THROWS_WITH(feature_contrast(half_map(), half_map(), half_map()),
                    "feature_contrast: the CPU supports fp32 only");
}

TEST_CASE("feature_distance rejects maps and weights of different shapes", "[ops]") {
  CHECK_THROWS_WITH(feature_distance({}, map(kShape), weight(8)),
                    "feature_distance: the derained map is empty");
  CHECK_THROWS_WITH(feature_distance(map(kShape), map(kOther), weight(8)),
                    "feature_distance: the clean map has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(
      feature_distance(map(kShape), map(kShape), weight(4)),
      "feature_distance: a weight of shape (1, 4, 1, 1) does not fit a map of shape (2, 3, 5, 8)");
  CHECK_THROWS_WITH(feature_distance(half_map(), half_map(), weight(8)),
                    "feature_distance: the CPU supports fp32 only");
}

TEST_CASE("charbonnier refuses maps that do not fit each other", "[ops][charbonnier]") {
  CHECK_THROWS_WITH(charbonnier({}, map(kShape)), "charbonnier: input is empty");
  CHECK_THROWS_WITH(charbonnier(map(kShape), map(kOther)),
                    "charbonnier: second input has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(charbonnier(half_map(), map(kShape)), "charbonnier: input is fp16, not fp32");
}

TEST_CASE("charbonnier's gradient goes to its first input", "[ops][charbonnier]") {
  const std::vector<float> x = {0.5F, 0, 0.25F, 1}, y = {0.5F, 1, 0.125F, 0};
  const auto tensor = [](const std::vector<float>& values) {
    return from_host(values, {1, 2, 2, 1}, Device::kCpu);
  };
  Tensor tracked = tensor(x);
  tracked.track();
  Tape tape;
  const Tensor value = charbonnier(tracked, tensor(y));
  CHECK(to_vector(value)[0] == Approx((0.001 + 2 * std::hypot(1, 0.001) + std::hypot(0.125, 0.001)) / 4));
  tape.backward(std::array{Tape::Term{value, scalar(8, Device::kCpu)}});
  const std::vector<float> gradient = to_vector(*tracked.gradient());
  const double small = 0.125 / std::hypot(0.125, 0.001), large = 1 / std::hypot(1, 0.001);
  CHECK(gradient[0] == 0);
  CHECK(gradient[1] == Approx(-2 * large));
  CHECK(gradient[2] == Approx(2 * small));
  CHECK(gradient[3] == Approx(2 * large));
}

TEST_CASE("focal rejects invalid logits and a negative gamma", "[ops]") {
  CHECK_THROWS_WITH(focal({}), "focal: logits are empty");
  CHECK_THROWS_WITH(focal(half_map()), "focal: logits is fp16, not fp32");
  CHECK_THROWS_WITH(focal(map(kShape), {.gamma = -0.5}),
                    "focal: gamma must not be negative, but is -0.500000");
}

TEST_CASE("the losses on features and logits record only if their first input is tracked",
          "[ops][training]") {
  const Tensor clean = map(kShape), rainy = map(kShape), w = weight(8);
  Tensor derained = map(kShape);
  const Tape tape;
  Tensor tracked_clean = map(kShape);
  tracked_clean.track();
  CHECK_FALSE(feature_contrast(derained, tracked_clean, rainy).tracked());
  CHECK_FALSE(feature_distance(derained, tracked_clean, w).tracked());
  CHECK_FALSE(focal(derained).tracked());
  CHECK_FALSE(charbonnier(derained, tracked_clean).tracked());
  derained.track();
  CHECK(feature_contrast(derained, clean, rainy).tracked());
  CHECK(clean.unique());  // so its memory can be released
  CHECK(rainy.unique());
  CHECK(feature_distance(derained, clean, w).tracked());
  CHECK_FALSE(clean.unique());
  CHECK(focal(derained).tracked());
}

}  // namespace
}  // namespace sapnet::engine
