#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/error.h"

namespace sapnet::train {
namespace {

double multi_step(const TrainConfig& config, std::int64_t epoch) {
  double rate = config.learning_rate;
  for (const int from : config.learning_rate_epochs)
    if (epoch >= from) rate *= config.learning_rate_factor;
  return rate;
}

double cosine(const TrainConfig& config, const RunPosition& at) {
  if (at.total < 1) throw Error("the cosine schedule needs the total number of steps");
  const double done = std::min(1.0, static_cast<double>(at.step) / static_cast<double>(at.total));
  return config.final_learning_rate +
         (config.learning_rate - config.final_learning_rate) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

}  // namespace

std::int64_t total_steps(const TrainConfig& config, std::int64_t samples) {
  return (config.epochs * samples + config.batch - 1) / config.batch;
}

double learning_rate(const TrainConfig& config, const RunPosition& at) {
  const double rate = config.schedule == "cosine" ? cosine(config, at) : multi_step(config, at.epoch);
  if (at.step >= config.warmup_steps) return rate;
  return rate * static_cast<double>(at.step + 1) / config.warmup_steps;
}

int stages_in(const TrainConfig& config, std::int64_t epoch) {
  const auto remaining = std::ranges::count_if(config.stage_epochs, [&](int from) { return epoch < from; });
  return config.stages - static_cast<int>(remaining);
}

}  // namespace sapnet::train
