#include "train/trainer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "engine/tape.h"
#include "train/metrics.h"

namespace sapnet::train {
namespace {

using engine::Tensor;

bool is_finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

double norm(const std::vector<float>& values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
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

Trainer::Trainer(const TrainConfig& config, const TrainingState& start, const engine::Execution& execution)
    : config_(config),
      losses_(config, execution),
      pool_(execution.device),
      parameters_(start.parameters, execution.device, true),
      adam_(parameters_),
      scales_loss_(execution.maps == engine::DType::kFloat16),
      loss_scale_(start.loss_scale, start.good_steps),
      network_(model::make_network(parameters_, execution, config.dilation)) {
  if (start.first_moments.empty()) {
    const std::vector<float> none(static_cast<std::size_t>(parameters_.values().shape().count()));
    adam_.restore(start.step, none, none);
  } else {
    adam_.restore(start.step, start.first_moments, start.second_moments);
  }
}

StepResult Trainer::step(const Batch& batch) {
  const engine::PrivatePool::Scope scope(pool_);
  StepResult result;
  result.learning_rate = learning_rate(config_, batch.epoch);
  const double scale = scales_loss_ ? loss_scale_.value() : 1;
  const std::string here = "step " + std::to_string(batch.step + 1) + ": ";
  const Tensor rainy = engine::on_device(batch.rainy, parameters_.device()),
               clean = engine::on_device(batch.clean, parameters_.device());
  {
    engine::Tape tape;
    const Tensor derained = network_->forward(rainy, config_.stages);
    std::vector<engine::Tape::Term> weighted;
    for (const Losses::Term& term : losses_.terms(derained, clean, rainy, batch.epoch)) {
      const double value = term.factor * static_cast<double>(engine::to_vector(term.value)[0]);
      std::optional<double>& part = result.parts[static_cast<std::size_t>(term.part)];
      part = part.value_or(0) + value;
      result.loss += losses_.weight(term.part) * value;
      weighted.push_back({term.value, static_cast<float>(scale * losses_.weight(term.part) * term.factor)});
    }
    result.psnr = psnr(engine::to_vector(derained), engine::to_vector(batch.clean));
    if (std::isfinite(result.loss)) tape.backward(weighted);
  }
  if (!std::isfinite(result.loss))
    throw NotFinite(here + "the loss is not a finite number; " + where_not_finite(rainy, result.parts));
  result.gradient_norm = norm(engine::to_vector(parameters_.gradients())) / scale;
  if (!std::isfinite(result.gradient_norm) && scales_loss_ && loss_scale_.halve()) {
    parameters_.zero_gradients();
    return step(batch);
  }
  if (!std::isfinite(result.gradient_norm)) {
    const auto& all = parameters_.initial().all();
    const auto first = std::find_if(all.rbegin(), all.rend(), [&](const engine::Parameter& parameter) {
      return !is_finite(engine::to_vector(*parameters_.get(parameter.name, parameter.shape).gradient()));
    });
    const std::string name = first == all.rend() ? "their norm" : "that of '" + first->name + "'";
    parameters_.zero_gradients();
    throw NotFinite(here + "a gradient is not a finite number; the first on the way back is " + name);
  }
  const bool clips = config_.gradient_clip > 0 && result.gradient_norm > config_.gradient_clip;
  const double kept = clips ? config_.gradient_clip / result.gradient_norm : 1;
  adam_.step(parameters_, result.learning_rate, kept / scale);
  if (scales_loss_) loss_scale_.count_good_step();
  parameters_.zero_gradients();
  network_->pack();
  return result;
}

TrainingState Trainer::state() const {
  return {.step = adam_.steps(),
          .parameters = parameters_.current(),
          .first_moments = engine::to_vector(adam_.first_moments()),
          .second_moments = engine::to_vector(adam_.second_moments()),
          .loss_scale = loss_scale_.value(),
          .good_steps = loss_scale_.good_steps(),
          .config = to_json(config_)};
}

std::string Trainer::where_not_finite(const Tensor& rainy, const LossParts& parts) const {
  for (int stage = 1; stage <= config_.stages; ++stage) {
    if (!is_finite(engine::to_vector(network_->forward(rainy, stage))))
      return "it first appears in what stage " + std::to_string(stage) + " derains";
  }
  const auto first =
      std::ranges::find_if(parts, [](const auto& part) { return part && !std::isfinite(*part); });
  const auto part = static_cast<std::size_t>(first - parts.begin());
  const std::string what = part < parts.size()
                               ? "the loss's part " + std::string(kLossPartNames[part]) + " is not"
                               : "and so is each part of the loss";
  return "the network's output is finite, " + what;
}

}  // namespace sapnet::train
