#include "apps/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>

#include "apps/program.h"
#include "apps/report_page.h"
#include "engine/error.h"
#include "train/image.h"

namespace sapnet::apps {
namespace {

constexpr int kLongestSide = 1600;
constexpr int kQuality =
    92;  // above 90 the encoder keeps the colours at full size, and streaks have thin ones

constexpr std::string_view kHandle =
    "<span class=\"handle\" aria-hidden=\"true\"><svg viewBox=\"0 0 36 36\" fill=\"none\" "
    "stroke=\"currentColor\" "
    "stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><path d=\"M14 12l-6 6 6 6M22 12l6 "
    "6-6 6\"/>"
    "</svg></span>";

std::string escape(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

// Pixels of the picture that become one pixel of the page, along each axis.
int shrink_factor(int width, int height) {
  return (std::max(width, height) + kLongestSide - 1) / kLongestSide;
}

int shrunk(int side, int factor) { return (side + factor - 1) / factor; }

// Means over factor × factor pixels; those at the right and lower border may cover fewer.
std::vector<std::uint8_t> shrink(std::span<const std::uint8_t> rgb, int width, int height, int factor) {
  std::vector<std::uint8_t> small;
  for (int top = 0; top < height; top += factor) {
    const int bottom = std::min(height, top + factor);
    for (int left = 0; left < width; left += factor) {
      const int right = std::min(width, left + factor);
      std::array<std::uint64_t, 3> sum{};
      for (int y = top; y < bottom; ++y) {
        const auto row = static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
        for (int x = left; x < right; ++x) {
          for (std::size_t c = 0; c < 3; ++c) sum[c] += rgb[3 * (row + static_cast<std::size_t>(x)) + c];
        }
      }
      const auto count = static_cast<std::uint64_t>(bottom - top) * static_cast<std::uint64_t>(right - left);
      for (const std::uint64_t s : sum) small.push_back(static_cast<std::uint8_t>((s + count / 2) / count));
    }
  }
  return small;
}

std::string picture(std::span<const std::uint8_t> rgb, int width, int height,
                    const std::string& description) {
  const int factor = shrink_factor(width, height);
  const int shown_width = shrunk(width, factor), shown_height = shrunk(height, factor);
  const std::vector<std::uint8_t> small =
      factor > 1 ? shrink(rgb, width, height, factor) : std::vector<std::uint8_t>();
  const auto jpeg = train::encode_image(factor > 1 ? small : rgb, shown_width, shown_height, 3,
                                        train::ImageFormat::kJpeg, kQuality);
  return "<img alt=\"" + escape(description) + "\" decoding=\"async\" src=\"data:image/jpeg;base64," +
         base64(jpeg) + "\">";
}

std::string number(double value, int decimals) {
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, std::abs(value));
  const bool negative =
      value < 0 && std::string_view(text.data()).find_first_not_of("0.") != std::string_view::npos;
  return (negative ? "−" : "") + std::string(text.data());
}

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

// From before to after, with its sign; equal infinities differ by nothing.
std::string gain(double before, double after, const Measure& measure) {
  const double difference = before == after ? 0 : after - before;
  const std::string text = number(difference, measure.decimals);
  const bool none = text.find_first_not_of("0.") == std::string::npos;
  const std::string_view kind = none ? "" : difference > 0 ? "gain" : "loss";
  return "<span class=\"" + std::string(kind) + "\">" + (!none && difference > 0 ? "+" : "") + text +
         std::string(measure.unit) + "</span>";
}

std::string tile(std::string_view name, const std::string& value, const std::string& remark) {
  return "<div class=\"tile\"><dt>" + std::string(name) + "</dt><dd>" + value + "<small>" + remark +
         "</small></dd></div>\n";
}

std::string figures(const train::Scores& derained, const train::Scores& rainy) {
  std::string html =
      "<div "
      "class=\"figures\"><table>\n<thead><tr><th></th><th>rainy</th><th>derained</th><th>gain</th></tr></"
      "thead>\n"
      "<tbody>\n";
  for (const Measure& measure : kMeasures) {
    const double before = rainy.*measure.value, after = derained.*measure.value;
    html += "<tr><th>" + std::string(measure.name) + "</th><td>" + number(before, measure.decimals) +
            "</td><td>" + number(after, measure.decimals) + "</td><td>" + gain(before, after, measure) +
            "</td></tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

}  // namespace

Report::Report(const std::filesystem::path& file, const ReportHeader& header) : output_(file) {
  write(std::string(kPageHead) + "<header>\n<h1>Rain removed</h1>\n<p class=\"run\">" +
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
  const std::string name = escape(entry.name);
  write("<article id=\"picture-" + std::to_string(pictures_) +
        "\">\n<div class=\"well\"><div class=\"compare\" style=\"--w:" +
        std::to_string(shrunk(entry.width, factor)) + ";--h:" + std::to_string(shrunk(entry.height, factor)) +
        "\">\n");
  write(picture(entry.derained, entry.width, entry.height, entry.name + ", derained") +
        "\n<div class=\"before\">");
  write(picture(entry.rainy, entry.width, entry.height, entry.name + ", rainy"));
  write(
      "<span class=\"tag\">Rainy</span></div>\n"
      "<div class=\"after\"><span class=\"tag\">Derained</span></div>\n"
      "<input type=\"range\" min=\"0\" max=\"100\" value=\"50\" autocomplete=\"off\" "
      "aria-label=\"" +
      name + ": how much of the rainy picture is shown, in percent\">\n" + std::string(kHandle) +
      "</div></div>\n<div class=\"caption\"><h2>" + name + "</h2><span>" + size +
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
                 gain(before, after, measure) + (scored_.size() > 1 ? ", mean" : ""));
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
