// The command line of sapnet-train.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sapnet::apps {

struct TrainOptions {
  std::filesystem::path config;  // empty: the settings of the resumed run
  std::vector<std::filesystem::path> data, validation;
  std::filesystem::path out;
  std::filesystem::path weights;      // initial weights; empty: initial_weights in the settings, else random
  std::vector<std::string> settings;  // NAME=VALUE
  bool resume = false;
  std::string device = "cpu", precision = "fp32";
  int threads = 0;  // 0: all
  /// Runs to compare on the page `out`, without training. Empty: `out` is the folder of a run.
  std::vector<std::filesystem::path> compare;
};

/// Returns nullopt after printing --help or --version. Throws UsageError.
std::optional<TrainOptions> parse_train_options(int argc, char** argv);

}  // namespace sapnet::apps
