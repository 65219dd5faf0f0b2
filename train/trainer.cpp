#include "train/trainer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "train/metrics/metrics.h"

namespace sapnet::train {
namespace {

bool is_finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace

void LossScale::count_good_step() {
  constexpr std::int64_t kGoodSteps = 2000;
  constexpr double kLargest = 0x1p24;
  if (++good_steps_ < kGoodSteps || value_ >= kLargest) return;
  value_ *= 2;
  good_steps_ = 0;
}

bool LossScale::halve() {
  if (value_ <= 1) return false;
  value_ /= 2;
  good_steps_ = 0;
  return true;
}

Trainer::Trainer(const TrainConfig& config, const TrainingState& start, const engine::Execution& execution,
                 std::int64_t total_steps)
    : config_(config),
      total_steps_(total_steps),
      losses_(config, execution),
      parameters_(start.parameters, execution.device, true),
      adam_(parameters_, config.ema_decay),
      scales_loss_(execution.maps == engine::DType::kFloat16),
      loss_scale_(start.loss_scale, start.good_steps),
      network_(model::make_network(parameters_, execution, config.dilation)),
      train_step_(config_, losses_, parameters_, adam_, *network_) {
  if (start.first_moments.empty()) {
    const std::vector<float> zeros(static_cast<std::size_t>(parameters_.values().shape().count()));
    adam_.restore(start.step, zeros, zeros);
  } else {
    adam_.restore(start.step, start.first_moments, start.second_moments);
  }
  if (config.ema_decay > 0 && !start.ema.empty()) adam_.restore_ema(start.ema);
}

double Trainer::learning_rate(std::int64_t epoch) const {
  return train::learning_rate(config_, {.step = steps(), .epoch = epoch, .total = total_steps_});
}

StepResult Trainer::step(const Batch& batch) {
  StepResult result;
  result.learning_rate = learning_rate(batch.epoch);
  const double loss_scale = scales_loss_ ? loss_scale_.value() : 1;
  const TrainStep::Outcome outcome = train_step_.run(batch, result.learning_rate, loss_scale);

  for (std::size_t k = 0; k < outcome.terms.size(); ++k) {
    const LossTerm& term = outcome.terms[k];
    const double value = term.factor * outcome.values[k];
    std::optional<double>& part = result.parts[static_cast<std::size_t>(term.part)];
    part = part.value_or(0) + value;
    result.loss += losses_.weight(term.part) * value;
  }
  result.psnr = psnr(outcome.error_norm * outcome.error_norm, batch.clean.shape().count());
  result.gradient_norm = outcome.gradient_norm / loss_scale;

  const std::string here = "step " + std::to_string(batch.step + 1) + ": ";
  if (!std::isfinite(result.loss))
    throw NotFinite(here + "the loss is not finite; " + where_not_finite(batch, result.parts));
  if (!std::isfinite(result.gradient_norm)) {
    if (scales_loss_ && loss_scale_.halve()) return step(batch);
    throw NotFinite(here + first_nonfinite_gradient());
  }
  adam_.count_step();
  if (scales_loss_) loss_scale_.count_good_step();
  return result;
}

TrainingState Trainer::state() const {
  return {.step = adam_.steps(),
          .parameters = parameters_.current(),
          .first_moments = engine::to_vector(adam_.first_moments()),
          .second_moments = engine::to_vector(adam_.second_moments()),
          .ema = adam_.ema() ? engine::to_vector(adam_.ema()) : std::vector<float>(),
          .loss_scale = loss_scale_.value(),
          .good_steps = loss_scale_.good_steps(),
          .config = to_json(config_)};
}

engine::Parameters Trainer::weights() const {
  return adam_.ema() ? parameters_.with_values(adam_.ema()) : parameters_.current();
}

std::string Trainer::first_nonfinite_gradient() const {
  const auto& all = parameters_.initial().all();
  const auto first = std::find_if(all.rbegin(), all.rend(), [&](const engine::Parameter& parameter) {
    return !is_finite(engine::to_vector(*parameters_.get(parameter.name, parameter.shape).gradient()));
  });
  if (first == all.rend()) return "the norm of the gradients is not finite";
  return "the gradient of '" + first->name + "' is not finite (the first in backward order)";
}

std::string Trainer::where_not_finite(const Batch& batch, const LossParts& parts) const {
  const engine::Tensor rainy = engine::on_device(batch.rainy, parameters_.device());
  for (int stage = 1; stage <= stages_in(config_, batch.epoch); ++stage) {
    if (!is_finite(engine::to_vector(network_->forward(rainy, stage))))
      return "the first infinity or NaN is in the output of stage " + std::to_string(stage);
  }
  const auto first =
      std::ranges::find_if(parts, [](const auto& part) { return part && !std::isfinite(*part); });
  const auto part = static_cast<std::size_t>(first - parts.begin());
  const std::string what = part < parts.size() ? "the " + std::string(kLossPartNames[part]) + " loss is not"
                                               : "and so is each part of the loss";
  return "the network's output is finite, " + what;
}

}  // namespace sapnet::train
