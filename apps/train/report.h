// report.html of a training run: progress, curves, and validation images before and after deraining.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/history.h"
#include "train/validation.h"

namespace sapnet::apps {

struct TrainingReport {
  std::string network, device, validated_on;
  std::int64_t steps = 0;                         // in the whole run
  const std::vector<train::HistoryRow>& history;  // at least one row; the last has a validation
  const train::Validation& validation;
  const train::Validation::Result& result;
};

/// Writes one self-contained page atomically. Throws Error naming the file.
void write_training_report(const std::filesystem::path& file, const TrainingReport& report);

}  // namespace sapnet::apps
