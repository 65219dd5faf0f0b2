// sapnet-infer for image files.
#pragma once

#include "apps/common/plan.h"
#include "apps/infer/derainer.h"
#include "apps/infer/options.h"

namespace sapnet::apps {

/// Derains the images of a plan, with scores and a report if requested. Images that fail or have no reference
/// are reported on stderr, and the others are still processed. Returns the exit code: 1 if there was such an
/// image. Throws UsageError or Error if outputs, JSON or report cannot be written.
int derain_images(const InferOptions& options, const Plan& plan, const Derainer& derainer);

}  // namespace sapnet::apps
