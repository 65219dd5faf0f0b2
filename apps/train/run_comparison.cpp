#include "apps/train/run_comparison.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "apps/common/html.h"
#include "apps/common/report_page.h"
#include "apps/train/history_charts.h"
#include "engine/error.h"
#include "engine/files/output_file.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;
using train::HistoryRow;

/// The first or the last value of a column.
std::optional<double> end_of(const std::vector<HistoryRow>& rows, std::optional<double> HistoryRow::*value,
                             bool last) {
  std::optional<double> end;
  for (const HistoryRow& row : rows)
    if (row.*value && (last || !end)) end = row.*value;
  return end;
}

std::string table(const std::vector<NamedHistory>& runs) {
  std::string html =
      "<table>\n<thead><tr><th>run</th><th>steps</th><th>first loss</th><th>last loss</th>"
      "<th>validation PSNR</th></tr></thead>\n<tbody>\n";
  const auto cell = [](std::optional<double> value, int decimals) {
    return "<td>" + (value ? number(*value, decimals) : std::string("–")) + "</td>";
  };
  for (const NamedHistory& run : runs) {
    html += "<tr><th>" + run.name + "</th><td>" + std::to_string(run.rows.back().step) + "</td>" +
            cell(end_of(run.rows, &HistoryRow::loss, false), 4) +
            cell(end_of(run.rows, &HistoryRow::loss, true), 4) +
            cell(end_of(run.rows, &HistoryRow::validation_psnr, true), 2) + "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

}  // namespace

void compare_runs(const std::vector<fs::path>& runs, const fs::path& page) {
  std::vector<NamedHistory> histories;
  for (const fs::path& run : runs) {
    const fs::path file = run / "metrics.csv";
    if (!fs::exists(file))
      throw Error(run.string() + ": is not a training run (there is no " + file.string() + ")");
    auto rows = train::read_history(file, std::numeric_limits<std::int64_t>::max());
    if (rows.empty()) throw Error(file.string() + ": has no rows of a training run yet");
    histories.push_back({escape(file.lexically_normal().parent_path().string()), std::move(rows)});
  }
  const auto chart_of = [&](const std::string& title, const std::string& unit,
                            std::optional<double> HistoryRow::*value) {
    std::vector<Curve> curves;
    for (const NamedHistory& run : histories) curves.push_back(curve(run.name, run.rows, value));
    return chart(title, unit, curves);
  };
  const std::string html =
      page_head("Training runs") + "<header>\n<h1>Training runs</h1>\n<p class=\"run\">" +
      std::to_string(histories.size()) +
      " runs; each point is the mean over the steps since the previous point</p>\n" +
      "</header>\n<section class=\"curves summary\" aria-label=\"Curves\">\n" +
      chart_of("Loss", "", &HistoryRow::loss) + chart_of("Training PSNR", " dB", &HistoryRow::psnr) +
      chart_of("Validation PSNR", " dB", &HistoryRow::validation_psnr) + charts_of_parts(histories) +
      "</section>\n<details class=\"summary\" open><summary>Numbers</summary>\n" + table(histories) +
      "</details>\n" + std::string(kPageTail);
  files::write_file(page, html);
}

}  // namespace sapnet::apps
