// Learning rate and stage schedules.
#pragma once

#include <cstdint>

#include "train/config.h"

namespace sapnet::train {

/// Steps of a whole run with `samples` per epoch.
std::int64_t total_steps(const TrainConfig& config, std::int64_t samples);

/// The position of a step in a run.
struct RunPosition {
  std::int64_t step = 0;   // steps done before it
  std::int64_t epoch = 0;  // in which its batch starts, counted from 0
  std::int64_t total = 0;  // steps of the whole run; only needed by the cosine schedule
};

/// The learning rate of a step; during warm-up, times (step + 1) / warmup_steps.
///
///   multi_step   learning_rate · learning_rate_factor^(number of learning_rate_epochs <= epoch)
///   cosine       final + (learning_rate - final) · (1 + cos(π step / total)) / 2
///                with final = final_learning_rate
///
/// Throws Error if the cosine schedule is used without total.
double learning_rate(const TrainConfig& config, const RunPosition& at);

/// Recurrent stages in an epoch, counted from 0: `stages` minus the entries of stage_epochs after it.
int stages_in(const TrainConfig& config, std::int64_t epoch);

}  // namespace sapnet::train
