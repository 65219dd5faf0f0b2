// Sharing work among CPU threads.
#pragma once

#include <cstdint>
#include <functional>

namespace sapnet::kernels {

/// How many threads parallel_for uses; at first as many as the machine offers (or OMP_NUM_THREADS).
void set_threads(int count);
int threads();

/// Calls body(i) once for every i in [0, count), on several threads. What body writes must not depend on
/// the order or the thread, so that results are the same whatever the number of threads. Throws the first
/// exception that body threw, when all others are done.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace sapnet::kernels
