#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "engine/random.h"
#include "model/network.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"
#include "tests/train/small_training.h"
#include "tests/train/step_by_step.h"

namespace sapnet::train {
namespace {

using Catch::Contains;
using tests::batch;
using tests::fresh;
using tests::small;

std::vector<float> flat(const engine::Parameters& parameters) {
  std::vector<float> values;
  for (const auto& parameter : parameters.all())
    values.insert(values.end(), parameter.values.begin(), parameter.values.end());
  return values;
}

TEST_CASE("training lowers the loss", "[train][trainer]") {
  Trainer trainer(small(), fresh(), {});
  const StepResult first = trainer.step(batch(0));
  StepResult last;
  for (int step = 1; step < 12; ++step) last = trainer.step(batch(0));
  CHECK(last.loss < first.loss - 0.05);
  CHECK(last.psnr > first.psnr);
  CHECK(trainer.steps() == 12);
}

TEST_CASE("a resumed run gives the same bits", "[train][trainer]") {
  Trainer whole(small(), fresh(), {}), begun(small(), fresh(), {});
  for (int step = 0; step < 3; ++step) whole.step(batch(step));
  begun.step(batch(0));
  Trainer resumed(small(), begun.state(), {});
  for (int step = 1; step < 3; ++step) resumed.step(batch(step));
  CHECK(resumed.steps() == 3);
  CHECK(flat(resumed.state().parameters) == flat(whole.state().parameters));
  CHECK(resumed.state().first_moments == whole.state().first_moments);
  CHECK(resumed.state().second_moments == whole.state().second_moments);
}

/// Everything that can change during a run; with two steps per epoch, one more stage from the second epoch
/// on.
TrainConfig changing() {
  TrainConfig config = small();
  config.ema_decay = 0.9;
  config.schedule = "cosine";
  config.final_learning_rate = 1e-5;
  config.warmup_steps = 3;
  config.stage_epochs = {1};
  config.charbonnier_weight = 0.5;
  return config;
}

TEST_CASE("a resumed run with EMA, cosine schedule, warm-up and growing stages gives the same bits",
          "[train][trainer]") {
  constexpr std::int64_t kSteps = 6;
  Trainer whole(changing(), fresh(), {}, kSteps);
  tests::StepByStep resumed(changing(), fresh(), {}, kSteps);  // after every step
  for (int step = 0; step < kSteps; ++step) {
    INFO("step " << step);
    tests::check_same(whole.step(batch(step, step / 2)), resumed.step(batch(step, step / 2)));
    tests::check_same(whole.state(), resumed.state());
  }
  CHECK(whole.state().ema != flat(whole.state().parameters));
}

TEST_CASE("the EMA follows the parameters and is the run's result", "[train][trainer]") {
  TrainConfig config = small();
  config.ema_decay = 0.15;
  Trainer trainer(config, fresh(), {});
  CHECK(trainer.state().ema == flat(fresh().parameters));
  std::vector<double> expected;
  for (const float value : flat(fresh().parameters)) expected.push_back(static_cast<double>(value));
  for (int step = 0; step < 3; ++step) {
    trainer.step(batch(step));
    const double decay = std::min(0.15, (1.0 + step) / (10 + step));
    const std::vector<float> values = flat(trainer.state().parameters);
    for (std::size_t k = 0; k < values.size(); ++k)
      expected[k] = decay * expected[k] + (1 - decay) * static_cast<double>(values[k]);
  }
  const std::vector<float> average = flat(trainer.weights());
  CHECK(average == trainer.state().ema);
  double worst = 0;
  for (std::size_t k = 0; k < average.size(); ++k)
    worst = std::max(worst, std::abs(static_cast<double>(average[k]) - expected[k]));
  // Parameters are below 1, and each of three steps rounds three times.
  CHECK(worst <= 9 * 0x1p-24);

  Trainer plain(small(), fresh(), {});
  for (int step = 0; step < 3; ++step) plain.step(batch(step));
  CHECK(flat(plain.state().parameters) == flat(trainer.state().parameters));
  CHECK(plain.state().ema.empty());
  CHECK(flat(plain.weights()) == flat(plain.state().parameters));
  // A state without an average: it starts from the parameters.
  const Trainer begun(config, plain.state(), {});
  CHECK(begun.state().ema == flat(plain.state().parameters));
}

TEST_CASE("stages are added at their epoch", "[train][trainer]") {
  TrainConfig config = small(), one = small();
  config.stage_epochs = {1};
  one.stages = 1;
  one.stage_epochs = {};
  Trainer growing(config, fresh(), {}), short_one(one, fresh(), {});
  tests::check_same(growing.step(batch(0)), short_one.step(batch(0)));
  Trainer both(small(), short_one.state(), {});
  tests::check_same(growing.step(batch(1, 1)), both.step(batch(1, 1)));
  tests::check_same(growing.state(), both.state());
}

TEST_CASE("the learning rate is that of the batch's epoch", "[train][trainer]") {
  Trainer trainer(small(), fresh(), {});
  CHECK(trainer.step(batch(0, 0)).learning_rate == Approx(1e-3));
  CHECK(trainer.step(batch(1, 1)).learning_rate == Approx(2e-4));
}

TEST_CASE("gradients are clipped to a norm, and left alone below it", "[train][trainer]") {
  TrainConfig config = small();
  Trainer plain(config, fresh(), {});
  const double norm = plain.step(batch(0)).gradient_norm;
  REQUIRE(norm > 0);
  const std::vector<float> unclipped = plain.state().first_moments;
  config.gradient_clip = 2 * norm;
  Trainer below(config, fresh(), {});
  below.step(batch(0));
  CHECK(below.state().first_moments == unclipped);
  config.gradient_clip = norm / 4;
  Trainer above(config, fresh(), {});
  CHECK(above.step(batch(0)).gradient_norm == norm);  // before clipping
  const std::vector<float> clipped = above.state().first_moments;
  for (std::size_t k = 0; k < clipped.size(); ++k)
    CHECK(std::abs(clipped[k] - unclipped[k] / 4) <= 1e-6F * std::abs(unclipped[k]));
}

TEST_CASE("a batch with NaN changes nothing", "[train][trainer]") {
  TrainConfig config = small();
  config.ema_decay = 0.9;
  Trainer trainer(config, fresh(), {});
  trainer.step(batch(0));
  const TrainingState before = trainer.state();
  Batch bad = batch(1);
  bad.rainy.data()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(
      trainer.step(bad),
      Contains("step 2: the loss is not finite; the first infinity or NaN is in the output of stage 1"));
  tests::check_same(trainer.state(), before);
  CHECK(trainer.steps() == 1);
  bad = batch(1);
  bad.clean.data()[5] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(trainer.step(bad), Contains("the ssim loss is not"));
  // Training continues as if it had not happened.
  Trainer other(small(), fresh(), {});
  other.step(batch(0));
  other.step(batch(1));
  trainer.step(batch(1));
  CHECK(flat(trainer.state().parameters) == flat(other.state().parameters));
}

TEST_CASE("the loss scale is halved on infinite gradients and grows again", "[train][trainer]") {
  LossScale scale(8);
  CHECK(scale.halve());
  CHECK(scale.value() == 4);
  for (int step = 0; step < 1999; ++step) scale.count_good_step();
  CHECK(scale.value() == 4);
  scale.count_good_step();
  CHECK(scale.value() == 8);
  CHECK(scale.good_steps() == 0);
  scale.count_good_step();
  CHECK(scale.halve());
  CHECK(scale.good_steps() == 0);
  CHECK(scale.halve());
  CHECK(scale.halve());
  CHECK(scale.value() == 1);
  CHECK_FALSE(scale.halve());
  CHECK(LossScale(4, 1999).good_steps() == 1999);
}

TEST_CASE("fp16 trains like fp32, whatever the initial loss scale", "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  TrainConfig config = small();
  config.stages = 1;
  Trainer exact(config, fresh(), {.device = engine::Device::kCuda});
  const StepResult expected = exact.step(batch(0));
  TrainingState start = fresh();
  start.loss_scale = 0x1p30;
  const engine::Execution fp16 = {.device = engine::Device::kCuda, .maps = engine::DType::kFloat16};
  Trainer trainer(config, start, fp16);
  const StepResult result = trainer.step(batch(0));
  CHECK(trainer.steps() == 1);
  CHECK(result.loss == Approx(expected.loss).epsilon(1e-3));
  CHECK(result.gradient_norm == Approx(expected.gradient_norm).epsilon(0.01));
  CHECK(trainer.state().loss_scale < 0x1p30);
  CHECK(trainer.state().loss_scale > 1);
  CHECK(trainer.state().good_steps == 1);
  const Trainer resumed(config, trainer.state(), fp16);
  CHECK(resumed.state().loss_scale == trainer.state().loss_scale);
  CHECK(resumed.state().good_steps == 1);
  CHECK(exact.state().good_steps == 0);  // unused by fp32, and kept for fp16
  CHECK(exact.state().loss_scale == fresh().loss_scale);
}

TEST_CASE("captured steps give the same bits as eager steps", "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  const auto maps = GENERATE(engine::DType::kFloat32, engine::DType::kFloat16);
  const engine::Execution execution = {.device = engine::Device::kCuda, .maps = maps};
  TrainConfig config = small();
  config.stages = 1;
  Trainer trainer(config, fresh(), execution);
  tests::StepByStep plain(config, fresh(), execution);
  const auto step = [&](const Batch& next, bool recorded) {
    INFO("step " << next.step);
    tests::check_same(trainer.step(next), plain.step(next));
    tests::check_same(trainer.state(), plain.state());
    CHECK(trainer.recorded() == recorded);
  };
  const engine::Shape wide = {1, 16, 16, 3}, narrow = {1, 16, 12, 3};
  for (int k = 0; k < 3; ++k) step(batch(k, 0, wide), k > 0);
  step(batch(3, 1, wide), true);  // at another learning rate
  for (int k = 4; k < 6; ++k) step(batch(k, 1, narrow), k > 4);
  step(batch(6, 1, wide), false);

  Trainer resumed(config, trainer.state(), execution);
  for (int k = 7; k < 9; ++k) {
    step(batch(k, 1, wide), true);
    resumed.step(batch(k, 1, wide));
  }
  tests::check_same(resumed.state(), trainer.state());
}

TEST_CASE("a graph is captured again when a stage is added, and updates the EMA like eager steps",
          "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  const engine::Execution execution = {.device = engine::Device::kCuda};
  Trainer trainer(changing(), fresh(), execution, 5);
  tests::StepByStep plain(changing(), fresh(), execution, 5);
  for (int k = 0; k < 5; ++k) {
    INFO("step " << k);
    const Batch next = batch(k, k / 2, {1, 16, 12, 3});
    tests::check_same(trainer.step(next), plain.step(next));
    tests::check_same(trainer.state(), plain.state());
    CHECK(trainer.recorded() == (k != 0 && k != 2));
  }
}

TEST_CASE("a graph changes nothing on a batch with NaN either", "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  const engine::Execution execution = {.device = engine::Device::kCuda, .maps = engine::DType::kFloat16};
  TrainConfig config = small();
  config.stages = 1;
  Trainer trainer(config, fresh(), execution);
  for (int k = 0; k < 2; ++k) trainer.step(batch(k));
  const TrainingState before = trainer.state();
  REQUIRE(trainer.recorded());
  Batch bad = batch(2);
  bad.rainy.data()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(
      trainer.step(bad),
      Contains("step 3: the loss is not finite; the first infinity or NaN is in the output of stage 1"));
  tests::check_same(trainer.state(), before);
  bad = batch(2);
  bad.clean.data()[5] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(trainer.step(bad), Contains("the ssim loss is not"));
  tests::check_same(trainer.state(), before);
  // Training continues as if it had not happened.
  tests::StepByStep other(config, before, execution);
  tests::check_same(trainer.step(batch(2)), other.step(batch(2)));
  tests::check_same(trainer.state(), other.state());
  CHECK(trainer.recorded());
}

// The first step takes several runs, of which the second is recorded.
TEST_CASE("an infinite gradient in fp16 leaves the weights unchanged, with a graph too",
          "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  const engine::Execution fp16 = {.device = engine::Device::kCuda, .maps = engine::DType::kFloat16};
  TrainConfig config = small();
  config.stages = 2;  // wgrad takes both
  config.ema_decay = 0.9;
  TrainingState start = fresh();
  start.loss_scale = 0x1p30;
  Trainer trainer(config, start, fp16);
  const StepResult result = trainer.step(batch(0));
  CHECK(trainer.recorded());
  CHECK(trainer.state().loss_scale < 0x1p28);
  start.loss_scale = trainer.state().loss_scale;
  tests::StepByStep right(config, start, fp16);
  tests::check_same(result, right.step(batch(0)));
  tests::check_same(trainer.state(), right.state());
}

// Features so small that the output stays finite, and weights so large that the gradients overflow.
TEST_CASE("a gradient that is not finite is named, the first in backward order", "[train][trainer]") {
  TrainConfig config = small();
  config.stages = 1;
  engine::Parameters parameters("large");
  const TrainingState drawn = fresh();
  for (engine::Parameter parameter : drawn.parameters.all()) {
    const auto fill = [&](float value) { std::ranges::fill(parameter.values, value); };
    if (parameter.name.starts_with("res_conv")) fill(0);
    if (parameter.name == "conv0.0.weight" || parameter.name == "conv_g.0.bias") fill(0);
    if (parameter.name == "conv0.0.bias") fill(2e-45F);
    if (parameter.name == "conv_g.0.weight") fill(3e38F);
    if (parameter.name == "conv.0.weight") fill(300);
    parameters.add(parameter);
  }
  TrainingState start{.parameters = parameters};
  Trainer trainer(config, start, {});
  CHECK_THROWS_WITH(
      trainer.step(batch(0)),
      Contains("step 1: the gradient of 'conv0.0.bias' is not finite (the first in backward order)"));
  CHECK(trainer.steps() == 0);
  CHECK((flat(trainer.state().parameters) == flat(parameters)));
}

TEST_CASE("initial parameters are uniform, scaled by their number of inputs", "[network][train]") {
  for (const std::string_view name : model::kNetworks) {
    const engine::Parameters drawn = model::init_parameters(name, 1);
    CHECK(model::make_network(drawn, {})->name() == name);
    double inputs = 0;
    std::set<float> seen;
    for (const engine::Parameter& parameter : drawn.all()) {
      if (parameter.shape.size() == 4)
        inputs = static_cast<double>(parameter.shape[1] * parameter.shape[2] * parameter.shape[3]);
      const double limit = 1 / std::sqrt(inputs);
      INFO(name << " " << parameter.name);
      const auto [least, most] = std::ranges::minmax(parameter.values);
      CHECK(static_cast<double>(most) <= limit);
      CHECK(static_cast<double>(least) >= -limit);
      if (parameter.values.size() >= 1000) {
        double sum = 0, squares = 0;
        for (const float value : parameter.values) {
          sum += static_cast<double>(value) / limit;
          squares += static_cast<double>(value) * static_cast<double>(value) / (limit * limit);
        }
        const auto count = static_cast<double>(parameter.values.size());
        // A uniform distribution on ±1 has variance 1/3, and its square 4/45; five standard deviations.
        CHECK(std::abs(sum / count) <= 5 * std::sqrt(1 / (3 * count)));
        CHECK(std::abs(squares / count - 1.0 / 3) <= 5 * std::sqrt(4 / (45 * count)));
      }
      CHECK(seen.insert(parameter.values[0]).second);  // each has different numbers
    }
    CHECK(flat(model::init_parameters(name, 1)) == flat(drawn));
    CHECK(flat(model::init_parameters(name, 2)) != flat(drawn));
  }
  CHECK_THROWS_WITH(model::init_parameters("UNet", 1), "unknown network 'UNet'");
}

}  // namespace
}  // namespace sapnet::train
