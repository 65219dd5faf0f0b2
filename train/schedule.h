// Learning rate and stage schedules.
#pragma once

#include <cstdint>

#include "train/config.h"

namespace sapnet::train {

/// Number of steps in a whole run with `samples` samples per epoch.
std::int64_t total_steps(const TrainConfig& config, std::int64_t samples);

/// The position of a step in a run.
struct RunPosition {
  std::int64_t step = 0;   // completed steps before this one
  std::int64_t epoch = 0;  // epoch in which its batch starts, counted from 0
  std::int64_t total = 0;  // steps in the whole run; only needed by the cosine schedule
};

/// The learning rate of a step; during warm-up it is multiplied by (step + 1) / warmup_steps.
///
///   multi_step   learning_rate · learning_rate_factor^(number of learning_rate_epochs <= epoch)
///   cosine       final + (learning_rate - final) · (1 + cos(π step / total)) / 2
///                with final = final_learning_rate
///
/// Throws Error if the cosine schedule is used without total.
double learning_rate(const TrainConfig& config, const RunPosition& at);

/// The number of recurrent stages in an epoch, counted from 0: `stages` minus the number of later
/// stage_epochs.
int stages_in(const TrainConfig& config, std::int64_t epoch);

}  // namespace sapnet::train
