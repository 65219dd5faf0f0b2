// Curves over training steps, for a report page.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sapnet::apps {

struct Curve {
  std::string name;                               // HTML
  std::vector<std::pair<double, double>> points;  // (x, y), x rising
};

/// A figure with up to two curves, and a dashed level when `level` has a name: its only point's y. `unit`
/// follows the y axis's numbers. Empty when no curve has a point.
std::string chart(const std::string& title, const std::string& unit, const std::vector<Curve>& curves,
                  const Curve& level = {});

}  // namespace sapnet::apps
