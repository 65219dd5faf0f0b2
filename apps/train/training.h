// sapnet-train: the training loop.
#pragma once

#include "apps/train/options.h"

namespace sapnet::apps {

/// Runs the training. Returns the exit code. Throws UsageError or Error.
int run_training(const TrainOptions& options);

}  // namespace sapnet::apps
