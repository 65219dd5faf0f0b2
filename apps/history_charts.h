// Charts of what metrics.csv holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/chart.h"
#include "train/history.h"

namespace sapnet::apps {

/// One column of a run's rows, where they have it.
Curve curve(const std::string& name, const std::vector<train::HistoryRow>& rows,
            std::optional<double> train::HistoryRow::*value);

/// Charts of the folders' PSNR and SSIM, a curve each; empty where the rows have none.
std::string charts_of_folders(const std::vector<train::HistoryRow>& rows);

struct NamedHistory {
  std::string name;  // HTML
  std::vector<train::HistoryRow> rows;
};

/// A chart for each part of the loss that a run has, with a curve for each run; empty where no run has more
/// than one part.
std::string charts_of_parts(const std::vector<NamedHistory>& runs);

}  // namespace sapnet::apps
