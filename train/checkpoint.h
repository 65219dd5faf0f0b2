// Checkpoints: a run resumes from one as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/parameters.h"

namespace sapnet::train {

/// Everything that the next step depends on. The step number determines the position in the data, the
/// schedule and the random numbers.
struct TrainingState {
  std::int64_t step = 0;  // completed steps
  engine::Parameters parameters;
  std::vector<float> first_moments = {}, second_moments = {};  // Adam's, one per parameter
  std::vector<float> ema = {};                                 // EMA of the parameters; empty: no EMA
  double loss_scale = 0x1p16;                                  // for fp16
  std::int64_t good_steps = 0;                                 // since loss_scale changed
  std::string config = {};                                     // the run's settings, as JSON
};

/// Writes FOLDER/checkpoint-STEP.safetensors atomically, with a checksum, then removes all other checkpoints
/// except the previous one. Checkpoints of later steps are removed too: they were damaged, or the run would
/// have resumed from them. Throws Error naming the file; existing files are then kept.
void write_checkpoint(const std::filesystem::path& folder, const TrainingState& state);

/// The newest intact checkpoint; nullopt if the folder has none or does not exist. Calls `warn` for each
/// newer one that is damaged. Throws Error if all are damaged.
std::optional<TrainingState> read_checkpoint(const std::filesystem::path& folder,
                                             const std::function<void(const std::string&)>& warn);

}  // namespace sapnet::train
