// A run's state in files, so that it can go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/parameters.h"

namespace sapnet::train {

/// All that the next step depends on. Where the run is in its data, its schedule and its random numbers
/// follows from the step.
struct TrainingState {
  std::int64_t step = 0;  // steps done
  engine::Parameters parameters;
  std::vector<float> first_moments = {}, second_moments = {};  // Adam's, as many as there are parameters
  std::vector<float> ema = {};                                 // of the parameters; empty when there is none
  double loss_scale = 0x1p16;                                  // of fp16, and the steps since it changed
  std::int64_t good_steps = 0;
  std::string config = {};  // the run's settings, as JSON
};

/// Writes FOLDER/checkpoint-STEP.safetensors, whole or not at all, with a checksum, and then removes all
/// others but the one before it: also those of later steps, which were damaged, or the run would not be here.
/// Throws Error naming the file; what was there stays.
void write_checkpoint(const std::filesystem::path& folder, const TrainingState& state);

/// The newest state that is whole; nothing when the folder holds none, or is not there. `warn` is told of
/// each newer one that is damaged. Throws Error when all are.
std::optional<TrainingState> read_checkpoint(const std::filesystem::path& folder,
                                             const std::function<void(const std::string&)>& warn);

}  // namespace sapnet::train
