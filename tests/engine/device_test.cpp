#include "engine/device.h"

#include <string>

#include "engine/error.h"
#include "kernels/parallel.h"
#include "tests/catch.h"

namespace sapnet::engine {
namespace {

using Catch::EndsWith;

TEST_CASE("operations use the configured number of threads", "[device]") {
  const int before = threads();
  for (const int count : {3, 1}) {
    set_threads(count);
    CHECK(threads() == count);
    CHECK(kernels::threads() == count);  // what parallel_for uses
  }
  CHECK_THAT(describe(Device::kCpu), EndsWith(", 1 thread"));
  set_threads(2);
  CHECK_THAT(describe(Device::kCpu), EndsWith(", 2 threads"));
  for (const int count : {0, -1})
    CHECK_THROWS_WITH(set_threads(count),
                      "the number of threads must be at least 1, not " + std::to_string(count));
  CHECK(threads() == 2);
  set_threads(before);
}

}  // namespace
}  // namespace sapnet::engine
