#include "kernels/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <numeric>
#include <vector>

namespace sapnet::kernels {
namespace {

std::atomic<int>& thread_count() {
  static std::atomic<int> count = omp_get_max_threads();
  return count;
}

}  // namespace

void set_threads(int count) { thread_count() = count; }

int threads() { return thread_count(); }

void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  std::exception_ptr first;  // exceptions must not leave an OpenMP loop
// Dynamic, because rows at a border are cheaper than others, and cores may be shared.
#pragma omp parallel for schedule(dynamic) num_threads(threads())
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      body(i);
    } catch (...) {
#pragma omp critical(sapnet_parallel_for)
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

void parallel_for_blocks(std::int64_t count, const std::function<void(std::int64_t, std::int64_t)>& body) {
  parallel_for((count + kParallelBlock - 1) / kParallelBlock, [&](std::int64_t block) {
    body(block * kParallelBlock, std::min(count, (block + 1) * kParallelBlock));
  });
}

double parallel_sum(std::int64_t count, const std::function<double(std::int64_t)>& body) {
  std::vector<double> partials(static_cast<std::size_t>(count));
  parallel_for(count, [&](std::int64_t i) { partials[static_cast<std::size_t>(i)] = body(i); });
  return std::accumulate(partials.begin(), partials.end(), 0.0);
}

double parallel_sum_of_blocks(std::int64_t count,
                              const std::function<double(std::int64_t, std::int64_t)>& body) {
  return parallel_sum((count + kParallelBlock - 1) / kParallelBlock, [&](std::int64_t block) {
    return body(block * kParallelBlock, std::min(count, (block + 1) * kParallelBlock));
  });
}

}  // namespace sapnet::kernels
