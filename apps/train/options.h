// The command line of sapnet-train.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sapnet::apps {

struct TrainOptions {
  std::filesystem::path config;  // empty: that of the resumed run
  std::vector<std::filesystem::path> data, validation;
  std::filesystem::path out;
  std::filesystem::path weights;      // to start from; empty: random, or initial_weights
  std::vector<std::string> settings;  // NAME=VALUE
  bool resume = false;
  std::string device = "cpu", precision = "fp32";
  int threads = 0;  // 0: all
  /// Runs whose curves are drawn on the page `out`, without training. Empty: `out` is a run.
  std::vector<std::filesystem::path> compare;
};

/// nullopt if --help or --version was given, and printed. Throws UsageError.
std::optional<TrainOptions> parse_train_options(int argc, char** argv);

}  // namespace sapnet::apps
