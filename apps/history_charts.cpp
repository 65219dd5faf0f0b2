#include "apps/history_charts.h"

#include <algorithm>

namespace sapnet::apps {

using train::HistoryRow;

Curve curve(const std::string& name, const std::vector<HistoryRow>& rows,
            std::optional<double> HistoryRow::*value) {
  Curve curve{name, {}};
  for (const HistoryRow& row : rows)
    if (row.*value) curve.points.emplace_back(row.step, *(row.*value));
  return curve;
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
    html += chart("Loss, its part " + std::string(train::kLossPartNames[part]), "", curves);
  }
  return html;
}

}  // namespace sapnet::apps
