#include "kernels/parallel.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace sapnet::tests {
namespace {

TEST_CASE("parallel_for calls once for each, on as many threads as were asked for", "[kernels][parallel]") {
  const int before = kernels::threads();
  for (const int threads : {1, 2, 3}) {
    kernels::set_threads(threads);
    std::mutex mutex;
    std::multiset<std::int64_t> indices;
    std::set<std::thread::id> seen;
    std::atomic<int> waiting = 0;
    kernels::parallel_for(threads, [&](std::int64_t i) {
      ++waiting;
      while (waiting < threads) std::this_thread::yield();  // for a thread of each index
      const std::lock_guard lock(mutex);
      indices.insert(i);
      seen.insert(std::this_thread::get_id());
    });
    CHECK(seen.size() == static_cast<std::size_t>(threads));
    CHECK(indices.size() == static_cast<std::size_t>(threads));
    CHECK(std::set<std::int64_t>(indices.begin(), indices.end()).size() == indices.size());
  }
  kernels::set_threads(before);
}

TEST_CASE("parallel_for hands on what a call throws, after the others", "[kernels][parallel]") {
  std::atomic<int> done = 0;
  CHECK_THROWS_WITH(kernels::parallel_for(100,
                                          [&](std::int64_t i) {
                                            if (i == 17) throw std::runtime_error("the seventeenth");
                                            ++done;
                                          }),
                    "the seventeenth");
  CHECK(done == 99);
}

}  // namespace
}  // namespace sapnet::tests
