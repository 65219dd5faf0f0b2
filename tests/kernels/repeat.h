// Running a kernel more than once.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/parallel.h"
#include "tests/kernels/close.h"

namespace sapnet::tests {

/// Calls `run`, which returns the arrays that a kernel wrote, on one thread, on one again and on two; fails
/// the test unless all are the same to the last bit. Returns the first.
template <class Run>
std::vector<std::vector<float>> run_repeatedly(const Run& run) {
  const int threads_before = kernels::threads();
  kernels::set_threads(1);
  const std::vector<std::vector<float>> first = run();
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    const std::vector<std::vector<float>> again = run();
    for (std::size_t k = 0; k < first.size(); ++k)
      check_same_bits(threads == 1 ? "the second time" : "on two threads", first[k], again[k]);
  }
  kernels::set_threads(threads_before);
  return first;
}

/// A copy that outlives its guarded array.
template <class Array>
std::vector<float> copy(const Array& array) {
  return {array.values().begin(), array.values().end()};
}

}  // namespace sapnet::tests
