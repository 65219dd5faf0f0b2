// A network with its optimiser, losses and loss scaling.
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
#include "train/data/loader.h"
#include "train/losses.h"
#include "train/schedule.h"
#include "train/train_step.h"

namespace sapnet::train {

/// A loss or a gradient is infinite or NaN.
class NotFinite : public Error {
 public:
  using Error::Error;
};

struct StepResult {
  double loss = 0;
  LossParts parts = {};
  double psnr = 0;           // PSNR of the derained batch, in dB
  double gradient_norm = 0;  // total norm of all gradients, before clipping
  double learning_rate = 0;
};

/// Dynamic loss scale for fp16: the loss is multiplied by it before the backward pass, so that gradients do
/// not underflow, and the gradients are divided by it afterwards. Halved if a gradient is infinite or NaN;
/// doubled after 2000 steps without one.
class LossScale {
 public:
  explicit LossScale(double value, std::int64_t good_steps = 0) : value_(value), good_steps_(good_steps) {}

  double value() const { return value_; }
  std::int64_t good_steps() const { return good_steps_; }  // since the last change

  void count_good_step();
  /// Returns false if it is already at its minimum.
  bool halve();

 private:
  double value_;
  std::int64_t good_steps_;
};

/// A network and its optimiser.
class Trainer {
 public:
  /// Resumes from `start`. Empty moments mean zeros; an empty EMA starts from the parameters. total_steps: of
  /// the whole run, for schedules that need it. Throws Error if the parameters belong to no known network, if
  /// the number of moments differs from that of the parameters, or as Losses does.
  Trainer(const TrainConfig& config, const TrainingState& start, const engine::Execution& execution,
          std::int64_t total_steps = 0);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Trains on a batch. With fp16 maps the loss is scaled; if a gradient overflows, the step is repeated with
  /// half the scale. Throws NotFinite, saying where the value first appeared; state() is then unchanged.
  StepResult step(const Batch& batch);

  std::int64_t steps() const { return adam_.steps(); }
  /// The learning rate of the next step, if its batch starts in this epoch.
  double learning_rate(std::int64_t epoch) const;
  const model::Network& network() const { return *network_; }
  const Losses& losses() const { return losses_; }
  /// Whether the current kind of step has been captured as a CUDA graph.
  bool recorded() const { return train_step_.recorded(); }
  /// Why capturing a graph failed; empty if it succeeded or is still being tried.
  std::string graph_unavailable_reason() const { return train_step_.graph_unavailable_reason(); }
  /// The state before the next step.
  TrainingState state() const;
  /// The weights for inference: the exponential moving average if there is one, else the parameters.
  engine::Parameters weights() const;

 private:
  std::string where_not_finite(const Batch& batch, const LossParts& parts) const;
  std::string first_nonfinite_gradient() const;

  TrainConfig config_;
  std::int64_t total_steps_;
  Losses losses_;
  engine::ParameterTensors parameters_;
  engine::Adam adam_;
  bool scales_loss_;
  LossScale loss_scale_;
  std::unique_ptr<model::Network> network_;
  TrainStep train_step_;
};

}  // namespace sapnet::train
