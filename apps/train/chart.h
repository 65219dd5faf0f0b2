// Charts for report pages.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sapnet::apps {

struct Curve {
  std::string name;                               // HTML
  std::vector<std::pair<double, double>> points;  // (x, y), x ascending
};

inline constexpr std::size_t kMaxCurves = 6;

/// A figure with up to kMaxCurves curves over the steps. If `level` has a name, the y of its only point is
/// drawn as a dashed line. `unit` follows the numbers on the y axis. Curves without points are omitted; if
/// there are no points at all, the result is empty.
std::string chart(const std::string& title, const std::string& unit, const std::vector<Curve>& curves,
                  const Curve& level = {});

}  // namespace sapnet::apps
