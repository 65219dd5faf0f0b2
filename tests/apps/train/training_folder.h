// For tests of sapnet-train.
#pragma once

#include <string>

#include "tests/apps/program_folder.h"

namespace sapnet::apps {

/// A temporary folder with clean photos in in/ and settings for a run of 24 steps.
class TrainingFolder : public ProgramFolder {
 public:
  TrainingFolder() {
    write_streaks(*this / "in/a.png", 40, 32);
    write_streaks(*this / "in/b.png", 33, 36);
    write_text(*this / "tiny.json", R"({
      "stages": 2, "data": {"in": 1}, "patch": 16, "stride": 0, "patches_per_image": 6, "flips": true,
      "batch": 2, "epochs": 4, "learning_rate": 1e-3, "learning_rate_epochs": [2], "log_every": 4,
      "validate_every": 12, "validation_images": 1, "checkpoint_every": 5, "seed": 3})");
  }

  Outcome train(const std::string& arguments) const { return shell("$TRAIN " + arguments); }

  std::string weights(const std::string& run) const {
    return text_of(*this / (run + "/weights.safetensors"));
  }
};

}  // namespace sapnet::apps
