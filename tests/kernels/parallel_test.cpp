#include "kernels/parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "tests/catch.h"

namespace sapnet::tests {
namespace {

TEST_CASE("parallel_for calls body once per index, on the configured number of threads",
          "[kernels][parallel]") {
  using namespace std::chrono_literals;
  const int before = kernels::threads();
  for (const int threads : {1, 2, 3}) {
    INFO("threads: " << threads);
    kernels::set_threads(threads);
    CHECK(kernels::threads() == threads);
    std::mutex mutex;
    std::condition_variable arrived;
    std::multiset<std::int64_t> indices;
    std::set<std::thread::id> seen;
    // One more call than threads. Each waits for all threads to arrive, and then a little longer, so that a
    // surplus thread would take the last call.
    kernels::parallel_for(threads + 1, [&](std::int64_t i) {
      std::unique_lock lock(mutex);
      indices.insert(i);
      seen.insert(std::this_thread::get_id());
      arrived.notify_all();
      const auto waits_for = [&](int calls) { return [&, calls] { return std::ssize(indices) >= calls; }; };
      if (arrived.wait_for(lock, 10s, waits_for(threads)))
        arrived.wait_for(lock, 50ms, waits_for(threads + 1));
    });
    CHECK(std::ssize(seen) == threads);
    CHECK(std::ssize(indices) == threads + 1);
    CHECK(std::set<std::int64_t>(indices.begin(), indices.end()).size() == indices.size());
  }
  kernels::set_threads(before);
}

TEST_CASE("parallel_for rethrows an exception after all other calls", "[kernels][parallel]") {
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
