// The command line of sapnet-infer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "apps/common/plan.h"
#include "train/image/image.h"
#include "train/image/size.h"

namespace sapnet::apps {

struct InferOptions {
  FileOptions files;
  int quality = 95;  // JPEG quality, 1 to 100
  std::filesystem::path weights;
  std::string device = "auto";
  std::string precision;  // "fp32", "fp16", or empty: the default of the device
  int threads = 0;        // 0: all
  int stages = 0;         // 0: as stated in the weight file, else model::kStages
  train::Rounding rounding = train::Rounding::kNearest;
  bool strict = false;
  std::filesystem::path reference, json, report;  // empty: not requested
  std::filesystem::path lpips, vgg;               // weights for LPIPS, both or none
  std::optional<train::ImageSize> video;
  bool verbose = false;

  bool json_to_stdout() const { return json == "-"; }
};

/// Returns nullopt after printing --help or --version. Throws UsageError.
std::optional<InferOptions> parse_infer_options(int argc, char** argv);

}  // namespace sapnet::apps
