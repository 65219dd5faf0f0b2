#include "apps/infer/report.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "apps/common/html.h"
#include "apps/common/program.h"
#include "apps/common/report_page.h"
#include "engine/error.h"

namespace sapnet::apps {
namespace {

std::string duration(double seconds) {
  return seconds < 1 ? number(1000 * seconds, seconds < 0.01 ? 1 : 0) + " ms" : number(seconds, 2) + " s";
}

// A score and how the page shows it.
struct Measure {
  std::string_view name, unit;
  std::optional<double> (*value)(const train::Scores&);
  int decimals;
  bool more_is_better = true;

  std::string from_to(double before, double after) const {
    return number(before, decimals) + " → " + number(after, decimals);
  }
  std::string change(double before, double after) const {
    return gain(before, after, decimals, unit, more_is_better);
  }
};

using Value = std::optional<double>;
using train::Scores;
constexpr std::array<Measure, 5> kMeasures = {{
    {"PSNR, RGB", " dB", [](const Scores& scores) { return Value(scores.psnr_rgb); }, 2},
    {"SSIM, RGB", "", [](const Scores& scores) { return Value(scores.ssim_rgb); }, 4},
    {"PSNR, Y", " dB", [](const Scores& scores) { return Value(scores.psnr_y); }, 2},
    {"SSIM, Y", "", [](const Scores& scores) { return Value(scores.ssim_y); }, 4},
    {"LPIPS", "", [](const Scores& scores) { return scores.lpips; }, 4, false},
}};

std::string figures(const Scores& derained, const Scores& rainy) {
  std::string html =
      "<div "
      "class=\"figures\"><table>\n<thead><tr><th></th><th>rainy</th><th>derained</th><th>gain</th></tr></"
      "thead>\n"
      "<tbody>\n";
  for (const Measure& measure : kMeasures) {
    const Value before = measure.value(rainy), after = measure.value(derained);
    if (!before || !after) continue;
    html += "<tr><th>" + std::string(measure.name) + "</th><td>" + number(*before, measure.decimals) +
            "</td><td>" + number(*after, measure.decimals) + "</td><td>" + measure.change(*before, *after) +
            "</td></tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

}  // namespace

Report::Report(const std::filesystem::path& file, const ReportHeader& header) : output_(file) {
  write(page_head("Deraining results") + "<header>\n<h1>Deraining results</h1>\n<p class=\"run\">" +
        escape(header.network) + ", weights " + escape(header.weights) + ", " +
        std::to_string(header.stages) + (header.stages == 1 ? " stage" : " stages") + ", on " +
        escape(header.device) + "</p>\n</header>\n<section class=\"images\" aria-label=\"Images\">\n");
}

void Report::add(const ReportEntry& entry) {
  const std::string size = std::to_string(entry.width) + "×" + std::to_string(entry.height);
  const auto bytes = 3 * static_cast<std::size_t>(std::max(0, entry.width)) *
                     static_cast<std::size_t>(std::max(0, entry.height));
  if (bytes == 0 || entry.rainy.size() != bytes || entry.derained.size() != bytes) {
    throw Error(entry.name + ": " + std::to_string(entry.rainy.size()) + " and " +
                std::to_string(entry.derained.size()) + " bytes do not match two images of " + size);
  }
  ++images_;
  seconds_ += entry.seconds;
  const int factor = shrink_factor(entry.width, entry.height);
  write("<article id=\"image-" + std::to_string(images_) + "\">\n" +
        slider(entry.name, entry.width, entry.height, entry.rainy, entry.derained) +
        "<div class=\"caption\"><h2>" + escape(entry.name) + "</h2><span>" + size +
        (factor > 1 ? ", shown at 1/" + std::to_string(factor) : "") + " · " + duration(entry.seconds) +
        "</span></div>\n");
  if (entry.scores && entry.rainy_scores) {
    write(figures(*entry.scores, *entry.rainy_scores));
    scored_.push_back({images_, entry.name, *entry.scores, *entry.rainy_scores});
  }
  if (!entry.not_scored.empty())
    write("<p class=\"not-scored\">not scored: " + escape(entry.not_scored) + "</p>\n");
  write("</article>\n");
}

void Report::finish(const std::string& remark) {
  std::string html = "</section>\n<section class=\"summary\" aria-label=\"Summary\">\n";
  if (!remark.empty()) html += "<p class=\"remark\">" + escape(remark) + "</p>\n";
  html += "<dl class=\"tiles\">\n";
  std::vector<const Measure*> measured;
  if (!scored_.empty()) {
    std::vector<Scores> all_rainy, all_derained;
    for (const Row& row : scored_) {
      all_rainy.push_back(row.rainy);
      all_derained.push_back(row.derained);
    }
    const Scores rainy = train::mean(all_rainy), derained = train::mean(all_derained);
    for (const Measure& measure : kMeasures) {
      const Value before = measure.value(rainy), after = measure.value(derained);
      if (!before || !after) continue;
      measured.push_back(&measure);
      html += tile(measure.name, measure.from_to(*before, *after),
                   measure.change(*before, *after) + (scored_.size() > 1 ? ", mean" : ""));
    }
  }
  html += tile("Images", std::to_string(images_),
               scored_.empty() ? "no references" : std::to_string(scored_.size()) + " with a reference");
  html += tile("Time", duration(seconds_), "in the network");
  html += "</dl>\n";
  if (scored_.size() > 1) {
    html += "<details>\n<summary>All scores</summary>\n<table>\n<thead><tr><th>rainy → derained</th>";
    for (const Measure* measure : measured) html += "<th>" + std::string(measure->name) + "</th>";
    html += "</tr></thead>\n<tbody>\n";
    for (const Row& row : scored_) {
      html +=
          "<tr><th><a href=\"#image-" + std::to_string(row.image) + "\">" + escape(row.name) + "</a></th>";
      for (const Measure* measure : measured)
        html +=
            "<td>" + measure->from_to(*measure->value(row.rainy), *measure->value(row.derained)) + "</td>";
      html += "</tr>\n";
    }
    html += "</tbody>\n</table>\n</details>\n";
  }
  if (!failures_.empty()) {
    html += "<div class=\"failures\">\n<h2>" + counted(failures_.size(), "image") + " failed</h2>\n<ul>\n";
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
