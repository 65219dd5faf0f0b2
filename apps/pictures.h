// sapnet-infer on files.
#pragma once

#include "apps/derainer.h"
#include "apps/options.h"
#include "apps/plan.h"

namespace sapnet::apps {

/// Derains every task's picture, and scores and reports as the options ask. A picture that fails, or that has
/// no reference, is reported on stderr and the rest are done. Returns the exit code: 1 when there was any.
/// Throws UsageError or Error when the outputs, the figures or the report cannot be written.
int run_pictures(const InferOptions& options, const Plan& plan, const Derainer& derainer);

}  // namespace sapnet::apps
