#include "apps/train/history_charts.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "apps/common/html.h"

namespace sapnet::apps {

using train::HistoryRow;

namespace {

std::string chart_of_folders(const std::string& title, const std::string& unit,
                             const std::vector<HistoryRow>& rows,
                             std::optional<double> train::FolderScores::*value) {
  std::map<std::string, Curve> curves;
  for (const HistoryRow& row : rows) {
    for (const auto& [folder, scores] : row.validation_folders) {
      Curve& curve = curves.try_emplace(folder, Curve{escape(folder), {}}).first->second;
      if (scores.*value) curve.points.emplace_back(row.step, *(scores.*value));
    }
  }
  std::string html;
  std::vector<Curve> of_chart;
  for (auto& [folder, curve] : curves) {
    of_chart.push_back(std::move(curve));
    if (of_chart.size() < kMaxCurves) continue;
    html += chart(title, unit, of_chart);
    of_chart.clear();
  }
  return html + chart(title, unit, of_chart);
}

}  // namespace

Curve curve(const std::string& name, const std::vector<HistoryRow>& rows,
            std::optional<double> HistoryRow::*value) {
  Curve curve{name, {}};
  for (const HistoryRow& row : rows)
    if (row.*value) curve.points.emplace_back(row.step, *(row.*value));
  return curve;
}

std::string charts_of_folders(const std::vector<HistoryRow>& rows) {
  return chart_of_folders("Validation PSNR by folder", " dB", rows, &train::FolderScores::psnr) +
         chart_of_folders("Validation SSIM by folder", "", rows, &train::FolderScores::ssim);
}

std::string charts_of_parts(const std::vector<NamedHistory>& runs) {
  const bool several = std::ranges::any_of(runs, [](const NamedHistory& run) {
    return std::ranges::any_of(run.rows,
                               [](const HistoryRow& row) { return train::number_of_parts(row.parts) > 1; });
  });
  std::string html;
  for (std::size_t part = 0; several && part < train::kLossPartNames.size(); ++part) {
    std::vector<Curve> curves;
    for (const NamedHistory& run : runs) {
      Curve& curve = curves.emplace_back(Curve{run.name, {}});
      for (const HistoryRow& row : run.rows)
        if (row.parts[part]) curve.points.emplace_back(row.step, *row.parts[part]);
    }
    html += chart(std::string(train::kLossPartNames[part]) + " loss", "", curves);
  }
  return html;
}

}  // namespace sapnet::apps
