#include "apps/train/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "apps/common/html.h"

namespace sapnet::apps {
namespace {

constexpr double kWidth = 560, kHeight = 240;                       // size of the drawing
constexpr double kLeft = 56, kRight = 10, kTop = 12, kBottom = 26;  // margins for the axis labels

/// An axis between round numbers.
struct Axis {
  double low, high, step;

  Axis(double min, double max, int ticks) {
    const double span = max > min ? max - min : std::max(std::abs(max), 1.0) / 10;
    const double magnitude = std::pow(10, std::floor(std::log10(span / ticks)));
    step = 10 * magnitude;
    for (const double factor : {5.0, 2.0, 1.0})
      if (span / (factor * magnitude) <= ticks) step = factor * magnitude;
    low = std::floor(min / step) * step;
    high = std::max(low + step, std::ceil(max / step) * step);
  }

  double at(double value) const { return (value - low) / (high - low); }  // in [0, 1]
  int ticks() const { return static_cast<int>((high - low) / step + 1e-9); }
  int decimals() const { return std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))); }
};

std::string format(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string x_at(double place) { return format(kLeft + place * (kWidth - kLeft - kRight)); }
std::string y_at(double place) { return format(kHeight - kBottom - place * (kHeight - kTop - kBottom)); }

std::string text(const std::string& x, const std::string& y, const char* anchor, const std::string& words) {
  return "<text x=\"" + x + "\" y=\"" + y + "\" text-anchor=\"" + anchor + "\">" + words + "</text>\n";
}

std::string line(const char* kind, const std::string& y) {
  return std::string("<path class=\"") + kind + "\" d=\"M" + x_at(0) + " " + y + "H" + x_at(1) + "\"/>\n";
}

}  // namespace

std::string chart(const std::string& title, const std::string& unit, const std::vector<Curve>& curves,
                  const Curve& level) {
  std::vector<double> xs, ys;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      if (!std::isfinite(y)) continue;
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  if (ys.empty()) return {};
  const bool has_level = !level.name.empty() && std::isfinite(level.points.front().second);
  if (has_level) ys.push_back(level.points.front().second);
  const double last = std::max(1.0, *std::ranges::max_element(xs));
  Axis x_axis(0, last, 6);
  x_axis.high = last;
  const Axis y_axis(*std::ranges::min_element(ys), *std::ranges::max_element(ys), 5);

  std::string svg = "<figure>\n<h2>" + title + "</h2>\n<svg viewBox=\"0 0 " + format(kWidth) + " " +
                    format(kHeight) + "\" role=\"img\" aria-label=\"" + title + " over the steps\">\n";
  for (int tick = 0; tick <= y_axis.ticks(); ++tick) {
    const double value = y_axis.low + tick * y_axis.step;
    const std::string y = y_at(y_axis.at(value));
    svg += line("grid", y);
    svg += text(format(kLeft - 8), y, "end", number(value, y_axis.decimals()) + unit);
  }
  for (int tick = 0; tick <= x_axis.ticks(); ++tick) {
    const double value = x_axis.low + tick * x_axis.step;
    svg += text(x_at(x_axis.at(value)), format(kHeight - 8), "middle", number(value, x_axis.decimals()));
  }
  std::string key;
  if (has_level) {
    svg += line("level", y_at(y_axis.at(level.points.front().second)));
    key += "<span>" + level.name + "</span>";
  }
  constexpr std::array<const char*, kMaxCurves> kKinds = {"first",  "second", "third",
                                                          "fourth", "fifth",  "sixth"};
  for (std::size_t k = 0; k < std::min(curves.size(), kKinds.size()); ++k) {
    std::string path;
    for (const auto& [x, y] : curves[k].points) {
      if (!std::isfinite(y)) continue;
      path += (path.empty() ? "M" : "L") + x_at(x_axis.at(x)) + " " + y_at(y_axis.at(y));
    }
    if (path.empty()) continue;
    svg += std::string("<path class=\"") + kKinds[k] + "\" d=\"" + path + "\"/>\n";
    key += std::string("<span class=\"") + kKinds[k] + "\">" + curves[k].name + "</span>";
  }
  return svg + "</svg>\n<p class=\"key\">" + key + "</p>\n</figure>\n";
}

}  // namespace sapnet::apps
