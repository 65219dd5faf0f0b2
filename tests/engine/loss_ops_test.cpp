// What the losses on features and logits refuse, and what they keep for the way back. What they compute is
// tested in tests/kernels and tests/golden.

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

TEST_CASE("feature_contrast refuses maps that do not fit each other", "[ops]") {
  CHECK_THROWS_WITH(feature_contrast({}, map(kShape), map(kShape)),
                    "feature_contrast: the derained map is empty");
  CHECK_THROWS_WITH(feature_contrast(map(kShape), map(kOther), map(kShape)),
                    "feature_contrast: the clean map has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(feature_contrast(map(kShape), map(kShape), map(kOther)),
                    "feature_contrast: the rainy map has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(feature_contrast(map(kShape), map(kShape), half_map()),
                    "feature_contrast: the rainy map is fp16, not fp32");
  CHECK_THROWS_WITH(feature_contrast(half_map(), half_map(), half_map()),
                    "feature_contrast: the CPU computes in fp32 only");
}

TEST_CASE("feature_distance refuses maps and weights that do not fit each other", "[ops]") {
  CHECK_THROWS_WITH(feature_distance({}, map(kShape), weight(8)),
                    "feature_distance: the derained map is empty");
  CHECK_THROWS_WITH(feature_distance(map(kShape), map(kOther), weight(8)),
                    "feature_distance: the clean map has shape (2, 3, 5, 4), not (2, 3, 5, 8)");
  CHECK_THROWS_WITH(
      feature_distance(map(kShape), map(kShape), weight(4)),
      "feature_distance: a weight of shape (1, 4, 1, 1) does not fit a map of shape (2, 3, 5, 8)");
  CHECK_THROWS_WITH(feature_distance(half_map(), half_map(), weight(8)),
                    "feature_distance: the CPU computes in fp32 only");
}

TEST_CASE("focal refuses what are no logits, and a negative gamma", "[ops]") {
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
  derained.track();
  CHECK(feature_contrast(derained, clean, rainy).tracked());
  CHECK(clean.unique());  // its memory may go
  CHECK(rainy.unique());
  CHECK(feature_distance(derained, clean, w).tracked());
  CHECK_FALSE(clean.unique());
  CHECK(focal(derained).tracked());
}

}  // namespace
}  // namespace sapnet::engine
