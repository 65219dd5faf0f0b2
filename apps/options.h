// The command line of sapnet-infer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "apps/plan.h"
#include "train/image.h"

namespace sapnet::apps {

inline constexpr int kMostStages = 32;

struct FrameSize {
  int width = 0, height = 0;
};

struct InferOptions {
  FileOptions files;
  int quality = 95;  // of JPEG, 1 to 100
  std::filesystem::path weights;
  std::string device = "auto";
  std::string precision;  // "fp32", "fp16", or empty for what suits the device
  int threads = 0;        // 0: all
  int stages = 0;         // 0: as many as the weights were trained with
  train::Rounding rounding = train::Rounding::kNearest;
  bool strict = false;
  std::filesystem::path reference, json, report;  // empty: not asked for
  std::filesystem::path lpips, vgg;               // weights for LPIPS, both or none
  std::optional<FrameSize> video;
  bool verbose = false;

  bool json_to_stdout() const { return json == "-"; }
};

/// Nothing when --help or --version was asked for, and printed. Throws UsageError.
std::optional<InferOptions> parse_infer_options(int argc, char** argv);

}  // namespace sapnet::apps
