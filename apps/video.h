// sapnet-infer --video: a filter for raw frames.
#pragma once

#include "apps/derainer.h"
#include "apps/options.h"

namespace sapnet::apps {

/// Derains RGB24 frames from stdin to stdout until stdin ends, or the reader of stdout goes away. All else
/// that is said goes to stderr. Returns the exit code. Throws Error when stdin ends inside a frame or before
/// the first.
int run_video(const InferOptions& options, const Derainer& derainer);

}  // namespace sapnet::apps
