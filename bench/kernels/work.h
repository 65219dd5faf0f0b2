// A case made ready to run.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "bench/kernels/cases.h"
#include "engine/execution.h"
#include "engine/tensor.h"

namespace sapnet::bench {

/// What an operation cannot do with less of: floating-point operations, counted as of a direct convolution,
/// and bytes, each input read once and each output written once.
struct Cost {
  double flops = 0, bytes = 0;
};

/// A convolution as a peer without our fused kernels does it. more_bytes: read and written by the passes over
/// the maps that it takes beside, were each of them perfect.
struct Convolution {
  kernels::Conv2dProblem problem;
  Pass pass = Pass::kForward;
  engine::DType maps = engine::DType::kFloat32;
  bool bias = false, relu = false;
  double more_bytes = 0;
};

struct Work {
  Cost cost;
  /// Sets of inputs: enough that none is in a GPU's cache when its turn comes again; on a CPU one.
  std::size_t sets = 1;
  /// Runs on the k-th set and gives what it wrote: whoever holds it keeps the memory from being written
  /// again.
  std::function<std::vector<engine::Tensor>(std::size_t k)> run;
  /// What the first of them should be for set 0, by loops in double.
  std::function<std::vector<double>()> expected;
  /// The same work for cuDNN; of no problem where it has no part in it.
  Convolution peer;
};

/// Throws Error where this device has no such operation.
Work make_work(const Case& what, const engine::Execution& execution);

/// The same operation on maps so small that `expected` takes a moment.
Case small_twin(const Case& what);

/// The largest difference between what a work gives and what it should, relative to the largest of these.
double largest_error(const Work& work);

}  // namespace sapnet::bench
