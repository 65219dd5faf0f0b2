// Timing something by repeating it.
#pragma once

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

namespace sapnet::bench {

/// The seconds that each of `repeat` calls took, shortest first. One call before them is not counted.
template <class Function>
std::vector<double> time(int repeat, const Function& function) {
  using Clock = std::chrono::steady_clock;
  function();
  std::vector<double> seconds;
  for (int k = 0; k < repeat; ++k) {
    const Clock::time_point start = Clock::now();
    function();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::ranges::sort(seconds);
  return seconds;
}

/// sorted: as time() gives it.
inline nlohmann::ordered_json summary(const std::vector<double>& sorted) {
  return {{"min", sorted.front()},
          {"median", sorted[sorted.size() / 2]},
          {"p90", sorted[sorted.size() * 9 / 10]}};
}

}  // namespace sapnet::bench
