// Repeated timing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/cuda.h"
#include "engine/device.h"

namespace sapnet::bench {

/// How "gflops" and "percent_of_peak" are counted, regardless of the algorithm.
constexpr const char* kFlopsCounted =
    "as for direct convolution; Winograd needs a quarter of its multiplications and may exceed 100 % of peak";

/// Sorted times in seconds of `repeat` calls. On a GPU: the time of the queued work, measured with events.
/// Warm-up calls are excluded: one on a CPU; three on a GPU, since a network captures its graph on its second
/// run.
inline std::vector<double> time(engine::Device device, int repeat, const std::function<void()>& function) {
  using Clock = std::chrono::steady_clock;
  const bool cuda = device == engine::Device::kCuda;
  for (int k = 0; k < (cuda ? 3 : 1); ++k) function();
  std::vector<double> seconds;
  for (int k = 0; k < repeat; ++k) {
    if (cuda) {
      seconds.push_back(engine::cuda::elapsed_seconds(function));
      continue;
    }
    const Clock::time_point start = Clock::now();
    function();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::ranges::sort(seconds);
  return seconds;
}

/// sorted, here and below: a result of time().
inline double median(const std::vector<double>& sorted) { return sorted[sorted.size() / 2]; }

/// The time that rates are computed from: the median on a GPU; on a CPU, where other processes interfere, the
/// minimum.
inline double typical(engine::Device device, const std::vector<double>& sorted) {
  return device == engine::Device::kCuda ? median(sorted) : sorted.front();
}

inline nlohmann::ordered_json summary(const std::vector<double>& sorted) {
  return {{"min", sorted.front()},
          {"p10", sorted[sorted.size() / 10]},
          {"median", median(sorted)},
          {"p90", sorted[sorted.size() * 9 / 10]}};
}

/// Prints a readable line on stderr.
inline void print_line(const std::string& what, const std::vector<double>& sorted, const std::string& rates) {
  std::fprintf(stderr, "%10.3f ms (p10 %.3f, p90 %.3f)  %s  %s\n", 1e3 * median(sorted),
               1e3 * sorted[sorted.size() / 10], 1e3 * sorted[sorted.size() * 9 / 10], rates.c_str(),
               what.c_str());
}

}  // namespace sapnet::bench
