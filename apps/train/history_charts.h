// Charts of metrics.csv.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/train/chart.h"
#include "train/history.h"

namespace sapnet::apps {

/// One column of the rows as a curve; rows without a value are skipped.
Curve curve(const std::string& name, const std::vector<train::HistoryRow>& rows,
            std::optional<double> train::HistoryRow::*value);

/// Charts of PSNR and SSIM with a curve per validation folder; empty if there is none.
std::string charts_of_folders(const std::vector<train::HistoryRow>& rows);

struct NamedHistory {
  std::string name;  // HTML
  std::vector<train::HistoryRow> rows;
};

/// A chart per part of the loss, with a curve per run; empty if no run has more than one part.
std::string charts_of_parts(const std::vector<NamedHistory>& runs);

}  // namespace sapnet::apps
