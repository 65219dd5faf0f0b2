// The command line of sapnet-train.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sapnet::apps {

struct TrainOptions {
  std::filesystem::path config;  // empty: that of the run which is resumed
  std::vector<std::filesystem::path> data, validation;
  std::filesystem::path out;
  std::filesystem::path weights;      // to begin with; empty: new ones
  std::vector<std::string> settings;  // NAME=VALUE
  bool resume = false;
  std::string device = "cpu", precision = "fp32";
  int threads = 0;  // 0: all
  /// Runs whose curves are drawn into the page `out`; nothing is trained. Empty: `out` is a run.
  std::vector<std::filesystem::path> compare;
};

/// Nothing when --help or --version was asked for, and printed. Throws UsageError.
std::optional<TrainOptions> parse_train_options(int argc, char** argv);

}  // namespace sapnet::apps
