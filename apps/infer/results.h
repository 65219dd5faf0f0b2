// Formats the results of a run as a table and as JSON.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/plan.h"
#include "apps/infer/derainer.h"
#include "apps/infer/options.h"
#include "train/metrics/metrics.h"

namespace sapnet::apps {

/// The result of one image.
struct ImageResult {
  ImageTask task;
  int width = 0, height = 0;
  double seconds = 0;                                 // time in the network
  std::optional<train::Scores> scores, rainy_scores;  // scores of output and input, with --reference
  std::string error;                                  // why there is no output; empty on success
  std::string not_scored;                             // why requested scores are missing
};

/// Formats a table of scores. The first column is as wide as the longest file name.
class ScoreTable {
 public:
  /// with_lpips: adds a column for LPIPS.
  explicit ScoreTable(const std::vector<ImageTask>& tasks, bool with_lpips = false);
  std::string header() const;
  std::string row(const std::string& name, const train::Scores& derained, const train::Scores& rainy) const;

 private:
  int name_width_;
  bool with_lpips_;
};

/// The mean over all results that have scores; nullopt if none has. rainy: scores of the inputs.
std::optional<train::Scores> mean_scores(const std::vector<ImageResult>& results, bool rainy);

/// The JSON document of --json. lpips_taps: number of VGG-16 taps used by LPIPS; 0: not measured. stopped:
/// not all images were processed. An infinite PSNR (equal images) is written as null.
std::string to_json(const std::vector<ImageResult>& results, const InferOptions& options,
                    const Derainer& derainer, std::size_t lpips_taps, bool stopped);

}  // namespace sapnet::apps
