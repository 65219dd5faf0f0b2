// Parallel loops on the CPU.
#pragma once

#include <cstdint>
#include <functional>

namespace sapnet::kernels {

/// The number of threads that parallel_for uses; by default all of the machine's (or OMP_NUM_THREADS).
void set_threads(int count);
int threads();

/// Calls body(i) once for every i in [0, count), on several threads. What body writes must not depend on
/// order or thread, so that results are independent of the number of threads. If calls throw, rethrows the
/// first exception after all others are done.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body);

/// Elements per call of parallel_for_blocks.
inline constexpr std::int64_t kParallelBlock = 16384;

/// Calls body(begin, end) for consecutive blocks of kParallelBlock elements that cover [0, count), as
/// parallel_for does; the last block may be shorter.
void parallel_for_blocks(std::int64_t count,
                         const std::function<void(std::int64_t begin, std::int64_t end)>& body);

/// The sum of body(i) over all i in [0, count), or of body(begin, end) over all blocks; computed as above and
/// added in order.
double parallel_sum(std::int64_t count, const std::function<double(std::int64_t)>& body);
double parallel_sum_of_blocks(std::int64_t count,
                              const std::function<double(std::int64_t begin, std::int64_t end)>& body);

}  // namespace sapnet::kernels
