// What changes in the course of a run.
#pragma once

#include <cstdint>

#include "train/config.h"

namespace sapnet::train {

/// The steps of a whole run on so many samples an epoch.
std::int64_t total_steps(const TrainConfig& config, std::int64_t samples);

/// A step of a run.
struct RunPosition {
  std::int64_t step = 0;   // steps done before it
  std::int64_t epoch = 0;  // in which its batch begins, counted from 0
  std::int64_t total = 0;  // steps of the whole run; only the cosine schedule needs it
};

/// The learning rate of a step: the schedule's, times (step + 1) / warmup_steps during the warm-up.
///
///   multi_step   learning_rate · learning_rate_factor^(number of learning_rate_epochs that have begun)
///   cosine       final + (learning_rate - final) · (1 + cos(π step / total)) / 2,   final =
///   final_learning_rate
///
/// Throws Error when the cosine schedule is not told the total.
double learning_rate(const TrainConfig& config, const RunPosition& at);

/// The recurrent stages that the network has in an epoch, counted from 0: `stages` less those whose epoch in
/// stage_epochs is still to come.
int stages_in(const TrainConfig& config, std::int64_t epoch);

}  // namespace sapnet::train
