// sapnet-infer --video: a filter for raw video frames.
#pragma once

#include "apps/infer/derainer.h"
#include "apps/infer/options.h"

namespace sapnet::apps {

/// Derains RGB24 frames from stdin to stdout until stdin ends or stdout is closed. Messages go to stderr.
/// Returns the exit code. Throws Error if stdin ends within a frame or before the first one.
int run_video(const InferOptions& options, const Derainer& derainer);

}  // namespace sapnet::apps
