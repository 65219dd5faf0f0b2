// The starting point of a training run: a checkpoint or weights, and settings that match them.
#pragma once

#include <optional>
#include <string>

#include "apps/train/options.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace sapnet::apps {

/// Prints `sapnet-train: SENTENCE` on stderr.
void print_status(const std::string& sentence);

/// The newest checkpoint of the run to resume; nullopt for a new run. Throws UsageError if there is one
/// without
/// --resume, or --resume without one.
std::optional<train::TrainingState> checkpoint_to_resume(const TrainOptions& options);

/// The settings of the file or the checkpoint, overridden by the command line. Throws Error or UsageError.
train::TrainConfig configure(const TrainOptions& options, const std::optional<train::TrainingState>& saved);

/// The checkpoint, or weights from the command line or else from the settings, or random weights.
/// Throws Error if they do not match the network, attention or dilation of the settings.
train::TrainingState start_of_run(const TrainOptions& options, const train::TrainConfig& config,
                                  const std::optional<train::TrainingState>& saved);

}  // namespace sapnet::apps
