// Training without CUDA graphs, as a reference for training with them.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/catch.h"
#include "train/trainer.h"

namespace sapnet::tests {

/// Each step is the first one of a new trainer, resumed from the previous state, so no graph is captured.
class StepByStep {
 public:
  StepByStep(const train::TrainConfig& config, train::TrainingState start, const engine::Execution& execution,
             std::int64_t total_steps = 0)
      : config_(config), execution_(execution), state_(std::move(start)), total_steps_(total_steps) {}

  train::StepResult step(const train::Batch& batch) {
    train::Trainer trainer(config_, state_, execution_, total_steps_);
    const train::StepResult result = trainer.step(batch);
    state_ = trainer.state();
    return result;
  }

  const train::TrainingState& state() const { return state_; }

 private:
  train::TrainConfig config_;
  engine::Execution execution_;
  train::TrainingState state_;
  std::int64_t total_steps_;
};

inline void check_same(const train::StepResult& a, const train::StepResult& b) {
  CHECK(a.loss == b.loss);
  CHECK(a.parts == b.parts);
  CHECK(a.psnr == b.psnr);
  CHECK(a.gradient_norm == b.gradient_norm);
  CHECK(a.learning_rate == b.learning_rate);
}

/// Checks bit for bit, except for the loss scale.
inline void check_same(const train::TrainingState& a, const train::TrainingState& b) {
  CHECK(a.step == b.step);
  CHECK(a.first_moments == b.first_moments);
  CHECK(a.second_moments == b.second_moments);
  CHECK(a.ema == b.ema);
  for (std::size_t k = 0; k < a.parameters.all().size(); ++k) {
    INFO(a.parameters.all()[k].name);
    CHECK(a.parameters.all()[k].values == b.parameters.all()[k].values);
  }
}

}  // namespace sapnet::tests
