#include "apps/report.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "apps/html.h"
#include "apps/program.h"
#include "apps/report_page.h"
#include "engine/error.h"

namespace sapnet::apps {
namespace {

std::string duration(double seconds) {
  return seconds < 1 ? number(1000 * seconds, seconds < 0.01 ? 1 : 0) + " ms" : number(seconds, 2) + " s";
}

// One measure of Scores, as the page shows it.
struct Measure {
  std::string_view name, unit;
  double train::Scores::*value;
  int decimals;
};

constexpr std::array<Measure, 4> kMeasures = {{
    {"PSNR, RGB", " dB", &train::Scores::psnr_rgb, 2},
    {"SSIM, RGB", "", &train::Scores::ssim_rgb, 4},
    {"PSNR, Y", " dB", &train::Scores::psnr_y, 2},
    {"SSIM, Y", "", &train::Scores::ssim_y, 4},
}};

std::string figures(const train::Scores& derained, const train::Scores& rainy) {
  std::string html =
      "<div "
      "class=\"figures\"><table>\n<thead><tr><th></th><th>rainy</th><th>derained</th><th>gain</th></tr></"
      "thead>\n"
      "<tbody>\n";
  for (const Measure& measure : kMeasures) {
    const double before = rainy.*measure.value, after = derained.*measure.value;
    html += "<tr><th>" + std::string(measure.name) + "</th><td>" + number(before, measure.decimals) +
            "</td><td>" + number(after, measure.decimals) + "</td><td>" +
            gain(before, after, measure.decimals, measure.unit) + "</td></tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

}  // namespace

Report::Report(const std::filesystem::path& file, const ReportHeader& header) : output_(file) {
  write(page_head("Rain removed by SAPNet") + "<header>\n<h1>Rain removed</h1>\n<p class=\"run\">" +
        escape(header.network) + ", weights " + escape(header.weights) + ", " +
        std::to_string(header.stages) + (header.stages == 1 ? " stage" : " stages") + ", on " +
        escape(header.device) + "</p>\n</header>\n<section class=\"pictures\" aria-label=\"Pictures\">\n");
}

void Report::add(const ReportEntry& entry) {
  const std::string size = std::to_string(entry.width) + "×" + std::to_string(entry.height);
  const auto bytes = 3 * static_cast<std::size_t>(std::max(0, entry.width)) *
                     static_cast<std::size_t>(std::max(0, entry.height));
  if (bytes == 0 || entry.rainy.size() != bytes || entry.derained.size() != bytes) {
    throw Error(entry.name + ": " + std::to_string(entry.rainy.size()) + " and " +
                std::to_string(entry.derained.size()) + " bytes are not two pictures of " + size);
  }
  ++pictures_;
  seconds_ += entry.seconds;
  const int factor = shrink_factor(entry.width, entry.height);
  write("<article id=\"picture-" + std::to_string(pictures_) + "\">\n" +
        slider(entry.name, entry.width, entry.height, entry.rainy, entry.derained) +
        "<div class=\"caption\"><h2>" + escape(entry.name) + "</h2><span>" + size +
        (factor > 1 ? ", shown at 1/" + std::to_string(factor) : "") + " · " + duration(entry.seconds) +
        "</span></div>\n");
  if (entry.scores && entry.rainy_scores) {
    write(figures(*entry.scores, *entry.rainy_scores));
    scored_.push_back({pictures_, entry.name, *entry.scores, *entry.rainy_scores});
  }
  if (!entry.not_scored.empty())
    write("<p class=\"not-scored\">not scored: " + escape(entry.not_scored) + "</p>\n");
  write("</article>\n");
}

void Report::finish(const std::string& remark) {
  std::string html = "</section>\n<section class=\"summary\" aria-label=\"Summary\">\n";
  if (!remark.empty()) html += "<p class=\"remark\">" + escape(remark) + "</p>\n";
  html += "<dl class=\"tiles\">\n";
  const auto scored = static_cast<double>(scored_.size());
  for (const Measure& measure : kMeasures) {
    if (scored_.empty()) break;
    double before = 0, after = 0;
    for (const Row& row : scored_) {
      before += row.rainy.*measure.value / scored;
      after += row.derained.*measure.value / scored;
    }
    html += tile(measure.name, number(before, measure.decimals) + " → " + number(after, measure.decimals),
                 gain(before, after, measure.decimals, measure.unit) + (scored_.size() > 1 ? ", mean" : ""));
  }
  html += tile("Pictures", std::to_string(pictures_),
               scored_.empty() ? "no references" : std::to_string(scored_.size()) + " with a reference");
  html += tile("Time", duration(seconds_), "in the network");
  html += "</dl>\n";
  if (scored_.size() > 1) {
    html += "<details>\n<summary>All figures</summary>\n<table>\n<thead><tr><th>rainy → derained</th>";
    for (const Measure& measure : kMeasures) html += "<th>" + std::string(measure.name) + "</th>";
    html += "</tr></thead>\n<tbody>\n";
    for (const Row& row : scored_) {
      html += "<tr><th><a href=\"#picture-" + std::to_string(row.picture) + "\">" + escape(row.name) +
              "</a></th>";
      for (const Measure& measure : kMeasures) {
        html += "<td>" + number(row.rainy.*measure.value, measure.decimals) + " → " +
                number(row.derained.*measure.value, measure.decimals) + "</td>";
      }
      html += "</tr>\n";
    }
    html += "</tbody>\n</table>\n</details>\n";
  }
  if (!failures_.empty()) {
    html += "<div class=\"failures\">\n<h2>" + counted(failures_.size(), "picture") + " failed</h2>\n<ul>\n";
    for (const auto& sentence : failures_) html += "<li>" + escape(sentence) + "</li>\n";
    html += "</ul>\n</div>\n";
  }
  write(html + "</section>\n" + std::string(kPageTail));
  output_.finish();
}

void Report::write(const std::string& html) {
  output_.write({reinterpret_cast<const std::uint8_t*>(html.data()), html.size()});
}

}  // namespace sapnet::apps
