// The step that training repeats.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/error.h"
#include "engine/execution.h"
#include "engine/ops/adam.h"
#include "engine/parameter_tensors.h"
#include "model/network.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/device_step.h"
#include "train/loader.h"
#include "train/losses.h"
#include "train/schedule.h"

namespace sapnet::train {

/// A loss or a gradient came out as infinite or not a number.
class NotFinite : public Error {
 public:
  using Error::Error;
};

struct StepResult {
  double loss = 0;
  LossParts parts = {};
  double psnr = 0;           // of the derained batch, in dB
  double gradient_norm = 0;  // of all gradients together, before clipping
  double learning_rate = 0;
};

/// What a loss is multiplied by before it goes back, so that gradients are not too small for fp16, and
/// divided out again. Halved when a gradient comes out as infinite, and doubled after many steps in which
/// none did.
class LossScale {
 public:
  explicit LossScale(double value, std::int64_t good_steps = 0) : value_(value), good_steps_(good_steps) {}

  double value() const { return value_; }
  std::int64_t good_steps() const { return good_steps_; }  // since it changed

  void count_good_step();
  /// False when it cannot become less.
  bool halve();

 private:
  double value_;
  std::int64_t good_steps_;
};

/// A network, its optimiser, and what they have learned so far.
class Trainer {
 public:
  /// Goes on from `start`, whose moments may be empty: zero; and so may its EMA, which then starts from the
  /// parameters. total_steps: of the whole run, for schedules that need it. Throws Error when the parameters
  /// are of no network, or the moments are not as many, or as Losses does.
  Trainer(const TrainConfig& config, const TrainingState& start, const engine::Execution& execution,
          std::int64_t total_steps = 0);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Learns from a batch; with fp16 maps by a scaled loss, anew with half the scale while a gradient is
  /// infinite. Throws NotFinite, saying where it first appeared; then nothing has been learned
  /// from it, and state() is still that before it.
  StepResult step(const Batch& batch);

  std::int64_t steps() const { return adam_.steps(); }
  /// Of the next step, if its batch begins in that epoch.
  double learning_rate(std::int64_t epoch) const;
  const model::Network& network() const { return *network_; }
  const Losses& losses() const { return losses_; }
  /// Whether steps like the last are launched as one graph.
  bool recorded() const { return device_step_.recorded(); }
  /// Why they cannot be on this GPU; empty until it is known.
  std::string why_not_recorded() const { return device_step_.why_not_recorded(); }
  /// What the next step begins with.
  TrainingState state() const;
  /// The weights to use the network with: their exponential moving average, or without one the parameters.
  engine::Parameters weights() const;

 private:
  std::string where_not_finite(const Batch& batch, const LossParts& parts) const;
  std::string first_endless_gradient() const;

  TrainConfig config_;
  std::int64_t total_steps_;
  Losses losses_;
  engine::ParameterTensors parameters_;
  engine::Adam adam_;
  bool scales_loss_;
  LossScale loss_scale_;
  std::unique_ptr<model::Network> network_;
  DeviceStep device_step_;
};

}  // namespace sapnet::train
