// The command line of sapnet-infer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/network.h"
#include "train/image.h"

namespace sapnet::apps {

struct FrameSize {
  int width = 0, height = 0;
};

struct InferOptions {
  std::vector<std::filesystem::path> inputs;  // files and folders
  std::filesystem::path output;               // a folder, or a file
  std::string format;                         // "png", "jpg", or empty: as the input
  int quality = 95;                           // of JPEG, 1 to 100
  std::filesystem::path weights;              // empty: the default weights
  std::string device = "auto";
  int threads = 0;  // 0: all
  int stages = model::kStages;
  train::Rounding rounding = train::Rounding::kNearest;
  bool strict = false;
  std::filesystem::path reference, json, report;  // empty: not asked for
  std::optional<FrameSize> video;
  bool verbose = false;
};

/// Nothing when --help or --version was asked for, and printed. Throws UsageError.
std::optional<InferOptions> parse_infer_options(int argc, char** argv);

}  // namespace sapnet::apps
