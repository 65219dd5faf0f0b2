// Times an operation on several sets of inputs in turn.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "bench/measurement.h"
#include "engine/buffer.h"

namespace sapnet::bench {

/// Number of input sets of `bytes` each: on a GPU, enough that none is still cached when it is used again; on
/// a CPU, one.
inline std::size_t sets_of(double bytes, engine::Device device) {
  constexpr double kCacheFlushBytes = 256 << 20, kMaxSets = 32;
  if (device == engine::Device::kCpu) return 1;
  return static_cast<std::size_t>(std::clamp(std::ceil(kCacheFlushBytes / bytes), 1.0, kMaxSets));
}

/// Seconds per run(k), sorted, from `repeat` rounds over all sets. run(k) returns its outputs. On a GPU a
/// round is one CUDA graph, which excludes host launch overhead; outputs are held until the end of the round,
/// so that no run writes to memory that another has left in the cache.
template <class Run>
std::vector<double> time_sets(engine::Device device, std::size_t sets, int repeat, const Run& run) {
  const auto run_all = [&] {
    std::vector<decltype(run(0))> results;
    for (std::size_t k = 0; k < sets; ++k) results.push_back(run(k));
  };
  // Reuse memory between runs, as in a network; otherwise the system would allocate and clear it each time.
  engine::PrivatePool pool(device);
  const engine::PrivatePool::Scope scope(pool);
  std::vector<double> seconds;
  if (device == engine::Device::kCpu) {
    seconds = time(device, repeat, run_all);
  } else {
    run_all();  // fills the pool with the memory that the graph needs
    pool.capture(run_all);
    seconds = time(device, repeat, [&] { pool.launch(); });
  }
  for (double& all : seconds) all /= static_cast<double>(sets);
  return seconds;
}

}  // namespace sapnet::bench
