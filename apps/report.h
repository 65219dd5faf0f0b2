// The page of --report: every picture before and after, under a slider, with its figures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/output_file.h"
#include "train/metrics.h"

namespace sapnet::apps {

/// One picture of the page.
struct ReportEntry {
  std::string name;
  int width = 0, height = 0;
  std::vector<std::uint8_t> rainy, derained;          // (height, width, 3)
  std::optional<train::Scores> scores, rainy_scores;  // of the result and of the input; both or neither
  std::string not_scored;                             // why there are none, though they were asked for
  double seconds = 0;                                 // of the network alone
};

/// What the whole run shares.
struct ReportHeader {
  std::string network, weights, device;
  int stages = 0;
};

/// Writes one self-contained HTML file, picture after picture, so that memory stays that of one picture. The
/// pictures are embedded as JPEG, shrunk by a whole factor where a side is longer than 1600 pixels.
/// Every member throws Error naming the file when it cannot be written; see OutputFile.
class Report {
 public:
  Report(const std::filesystem::path& file, const ReportHeader& header);

  /// Throws Error when the picture's bytes do not match its size.
  void add(const ReportEntry& entry);

  /// A sentence about a picture that is not shown.
  void add_failure(const std::string& sentence) { failures_.push_back(sentence); }

  /// Writes the means, the failures and a remark on the run, and gives the file its name. Without it there is
  /// no file.
  void finish(const std::string& remark = {});

 private:
  void write(const std::string& html);

  struct Row {
    int picture = 0;
    std::string name;
    train::Scores derained, rainy;
  };

  engine::OutputFile output_;
  std::vector<Row> scored_;
  std::vector<std::string> failures_;
  int pictures_ = 0;
  double seconds_ = 0;
};

}  // namespace sapnet::apps
