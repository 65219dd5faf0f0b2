// Timing an operation on sets of inputs that take turns.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "bench/measurement.h"
#include "engine/buffer.h"
#include "engine/cuda.h"

namespace sapnet::bench {

/// How many sets of inputs of so many bytes a device takes in turn: on a GPU so many that none is in the
/// cache when its turn comes again, on a CPU one.
inline std::size_t sets_of(double bytes, engine::Device device) {
  constexpr double kManyCaches = 256 << 20, kMostSets = 32;
  if (device == engine::Device::kCpu) return 1;
  return static_cast<std::size_t>(std::clamp(std::ceil(kManyCaches / bytes), 1.0, kMostSets));
}

/// The seconds of one run(k), shortest first, of `repeat` rounds through all sets. run gives what it wrote.
/// On a GPU a round is one recorded graph, so that the host's part in a launch stays out; what the runs gave
/// is held to its end, so that none is written into memory that the cache still has from the one before.
template <class Run>
std::vector<double> time_sets(engine::Device device, std::size_t sets, int repeat, const Run& run) {
  const auto run_all = [&] {
    std::vector<decltype(run(0))> results;
    for (std::size_t k = 0; k < sets; ++k) results.push_back(run(k));
  };
  // What one run has written, the next may write to, as in a network; else the system gives and clears it
  // anew.
  const engine::PrivatePool pool(device);
  const engine::PrivatePool::Scope scope(pool);
  std::vector<double> seconds;
  if (device == engine::Device::kCpu) {
    seconds = time(device, repeat, run_all);
  } else {
    run_all();  // leaves in the pool what the graph needs
    engine::cuda::Graph graph(run_all);
    seconds = time(device, repeat, [&] { graph.launch(); });
  }
  for (double& all : seconds) all /= static_cast<double>(sets);
  return seconds;
}

}  // namespace sapnet::bench
