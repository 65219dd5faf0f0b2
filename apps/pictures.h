// sapnet-infer on files.
#pragma once

#include <vector>

#include "apps/derainer.h"
#include "apps/options.h"
#include "apps/plan.h"

namespace sapnet::apps {

/// Derains every task's picture, and scores and reports as the options ask. A picture that fails is
/// reported on stderr and the rest are done. Returns the exit code: 1 when any failed.
/// Throws Error when the figures or the report cannot be written.
int run_pictures(const InferOptions& options, const std::vector<PictureTask>& tasks,
                 const Derainer& derainer);

}  // namespace sapnet::apps
