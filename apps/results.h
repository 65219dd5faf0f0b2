// The figures of a run, for people and for programs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/derainer.h"
#include "apps/options.h"
#include "apps/plan.h"
#include "train/metrics.h"

namespace sapnet::apps {

/// What became of one picture.
struct PictureResult {
  PictureTask task;
  int width = 0, height = 0;
  double seconds = 0;                                 // of the network alone
  std::optional<train::Scores> scores, rainy_scores;  // of the result and of the input; with --reference
  std::string error;                                  // why there is no output; empty when there is
  std::string not_scored;                             // why there are no scores, though they were asked for
};

/// Lines of a table of scores, in columns as wide as the longest of the tasks' names.
class ScoreTable {
 public:
  /// with_lpips: there is a column for it.
  explicit ScoreTable(const std::vector<PictureTask>& tasks, bool with_lpips = false);
  std::string header() const;
  std::string row(const std::string& name, const train::Scores& derained, const train::Scores& rainy) const;

 private:
  int name_width_;
  bool with_lpips_;
};

/// The mean over all results that have scores; nothing when none has. `rainy`: of the inputs.
std::optional<train::Scores> mean_scores(const std::vector<PictureResult>& results, bool rainy);

/// The JSON document of --json. lpips_taps: of VGG-16, that LPIPS looks at; 0 where it is not measured. An
/// infinite PSNR, of equal pictures, is null there. `stopped`: before all pictures were done.
std::string to_json(const std::vector<PictureResult>& results, const InferOptions& options,
                    const Derainer& derainer, std::size_t lpips_taps, bool stopped);

}  // namespace sapnet::apps
