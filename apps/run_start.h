// What a training run starts from: a checkpoint or new weights, and settings that fit them.
#pragma once

#include <optional>
#include <string>

#include "apps/train_options.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace sapnet::apps {

/// Says `sapnet-train: SENTENCE` on stderr.
void say(const std::string& sentence);

/// The newest checkpoint of the run that is to go on; nothing where it begins. Throws UsageError when there
/// is one and --resume is not given, or the other way round.
std::optional<train::TrainingState> checkpoint_to_resume(const TrainOptions& options);

/// The settings of the command line, on top of those of the file or the checkpoint. Throws Error or
/// UsageError.
train::TrainConfig configure(const TrainOptions& options, const std::optional<train::TrainingState>& saved);

/// The checkpoint, or the weights that the command line or else the settings name, or new ones. Throws Error
/// when they are of another network than the settings ask for, or were trained with attention or dilation
/// where these have none, or the other way round.
train::TrainingState start_of_run(const TrainOptions& options, const train::TrainConfig& config,
                                  const std::optional<train::TrainingState>& saved);

}  // namespace sapnet::apps
