// sapnet-train: the loop around the steps.
#pragma once

#include "apps/train_options.h"

namespace sapnet::apps {

/// Trains as the options ask, and writes what they ask for. Returns the exit code. Throws UsageError or
/// Error.
int run_training(const TrainOptions& options);

}  // namespace sapnet::apps
