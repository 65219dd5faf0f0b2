#include "train/schedule.h"

#include "engine/error.h"
#include "tests/catch.h"

namespace sapnet::train {
namespace {

TEST_CASE("the learning rate drops at the epochs in the settings", "[train][schedule]") {
  TrainConfig config;
  config.learning_rate = 1e-3;
  for (const auto& [epoch, rate] :
       {std::pair(0, 1e-3), {29, 1e-3}, {30, 2e-4}, {49, 2e-4}, {50, 4e-5}, {80, 8e-6}})
    CHECK(learning_rate(config, {.step = 10 * epoch, .epoch = epoch}) == Approx(rate));
  // Exact to the bit.
  CHECK(learning_rate(config, {.epoch = 99}) == 1e-3 * 0.2 * 0.2 * 0.2);
}

TEST_CASE("a cosine goes from the learning rate to the final one over all steps", "[train][schedule]") {
  TrainConfig config;
  config.schedule = "cosine";
  config.learning_rate = 1e-3;
  config.final_learning_rate = 2e-4;
  const auto rate = [&](std::int64_t step) {
    return learning_rate(config, {.step = step, .epoch = 99, .total = 400});
  };
  CHECK(rate(0) == 1e-3);
  CHECK(rate(100) == Approx(2e-4 + 8e-4 * (1 + 0.70710678) / 2));
  CHECK(rate(200) == Approx(6e-4));
  CHECK(rate(399) < 2.0002e-4);
  for (const std::int64_t beyond : {400, 800}) CHECK(rate(beyond) == Approx(2e-4));
  for (std::int64_t step = 1; step < 400; ++step) CHECK(rate(step) < rate(step - 1));
  CHECK_THROWS_WITH(learning_rate(config, {.step = 1}),
                    "the cosine schedule needs the total number of steps");
}

TEST_CASE("the learning rate warms up linearly with either schedule", "[train][schedule]") {
  TrainConfig config;
  config.learning_rate = 1e-3;
  config.warmup_steps = 4;
  const auto rate = [&](std::int64_t step) {
    return learning_rate(config, {.step = step, .epoch = 0, .total = 1000000});
  };
  for (const char* schedule : {"multi_step", "cosine"}) {
    config.schedule = schedule;
    CHECK(rate(0) == Approx(0.25e-3));
    CHECK(rate(2) == Approx(0.75e-3));
    CHECK(rate(3) == Approx(1e-3));
    CHECK(rate(4) == Approx(1e-3));
  }
}

TEST_CASE("stages are added at the epochs in the settings", "[train][schedule]") {
  TrainConfig config;
  config.stages = 6;
  CHECK(stages_in(config, 0) == 6);
  config.stage_epochs = {2, 5, 5};
  for (const auto& [epoch, stages] : {std::pair(0, 3), {1, 3}, {2, 4}, {4, 4}, {5, 6}, {100, 6}})
    CHECK(stages_in(config, epoch) == stages);
}

TEST_CASE("the last step of a run may need samples of one more epoch", "[train][schedule]") {
  TrainConfig config;
  config.epochs = 3;
  config.batch = 4;
  CHECK(total_steps(config, 8) == 6);
  CHECK(total_steps(config, 7) == 6);
  CHECK(total_steps(config, 9) == 7);
}

}  // namespace
}  // namespace sapnet::train
