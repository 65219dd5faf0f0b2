// A benchmark case ready to run.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "bench/kernels/cases.h"
#include "engine/execution.h"
#include "engine/tensor.h"

namespace sapnet::bench {

/// Minimum cost of an operation: floating-point operations, counted for direct convolution, and bytes, each
/// input read once and each output written once.
struct Cost {
  double flops = 0, bytes = 0;
};

/// A convolution for a library without our fused kernels. more_bytes: the minimum memory traffic of its extra
/// passes over the maps.
struct Convolution {
  kernels::Conv2dProblem problem;
  Pass pass = Pass::kForward;
  engine::DType maps = engine::DType::kFloat32;
  bool bias = false, relu = false;
  double more_bytes = 0;
};

struct Work {
  Cost cost;
  /// Number of input sets (see sets_of() in timing.h).
  std::size_t sets = 1;
  /// Runs on the k-th set and returns the outputs. While they are held, their memory is not reused.
  std::function<std::vector<engine::Tensor>(std::size_t k)> run;
  /// The expected first output for set 0, from double-precision reference loops.
  std::function<std::vector<double>()> expected;
  /// The same work for cuDNN; an empty problem if cuDNN cannot do it.
  Convolution peer;
};

/// Throws Error if the device does not support the operation.
Work make_work(const Case& what, const engine::Execution& execution);

/// The same operation on small maps, for which `expected` is fast to compute.
Case small_version(const Case& what);

/// The largest difference between actual and expected outputs, relative to the largest expected value.
double largest_error(const Work& work);

}  // namespace sapnet::bench
