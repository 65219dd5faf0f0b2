// Curves over training steps, for a report page.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sapnet::apps {

struct Curve {
  std::string name;                               // HTML
  std::vector<std::pair<double, double>> points;  // (x, y), x rising
};

inline constexpr std::size_t kMostCurves = 6;

/// A figure with up to kMostCurves curves, and a dashed level when `level` has a name: its only point's y.
/// `unit` follows the y axis's numbers. A curve without points is left out; the figure is empty when none has
/// one.
std::string chart(const std::string& title, const std::string& unit, const std::vector<Curve>& curves,
                  const Curve& level = {});

}  // namespace sapnet::apps
