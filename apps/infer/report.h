// The page of --report: a before/after slider for each image, with its scores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/files/output_file.h"
#include "train/metrics/metrics.h"

namespace sapnet::apps {

/// An image on the page.
struct ReportEntry {
  std::string name;
  int width = 0, height = 0;
  std::vector<std::uint8_t> rainy, derained;          // (height, width, 3)
  std::optional<train::Scores> scores, rainy_scores;  // scores of output and input; both or neither
  std::string not_scored;                             // why requested scores are missing
  double seconds = 0;                                 // time in the network
};

/// Information about the whole run.
struct ReportHeader {
  std::string network, weights, device;
  int stages = 0;
};

/// Writes one self-contained HTML file, image by image, so that only one image is in memory. Images are
/// embedded as JPEG, downscaled by an integer factor if a side is longer than 1600 pixels. All members throw
/// Error, naming the file, if it cannot be written; see OutputFile.
class Report {
 public:
  Report(const std::filesystem::path& file, const ReportHeader& header);

  /// Throws Error if the number of bytes does not match the size.
  void add(const ReportEntry& entry);

  /// Adds the error message of an image that failed.
  void add_failure(const std::string& sentence) { failures_.push_back(sentence); }

  /// Writes the means, the failures and a remark, and renames the file to its final name. Without this call,
  /// no file remains.
  void finish(const std::string& remark = {});

 private:
  void write(const std::string& html);

  struct Row {
    int image = 0;
    std::string name;
    train::Scores derained, rainy;
  };

  files::OutputFile output_;
  std::vector<Row> scored_;
  std::vector<std::string> failures_;
  int images_ = 0;
  double seconds_ = 0;
};

}  // namespace sapnet::apps
