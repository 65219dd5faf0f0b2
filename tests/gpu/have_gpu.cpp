#include "tests/gpu/have_gpu.h"

#include <cstdlib>
#include <string>

#include "engine/cuda.h"
#include "tests/catch.h"

namespace sapnet::tests {
namespace {

int skipped = 0;

}  // namespace

bool have_gpu() {
  const std::string obstacle = engine::cuda::unavailable_reason();
  if (obstacle.empty()) return true;
  const char* const required = std::getenv("SAPNET_REQUIRE_GPU");
  if (required && std::string(required) == "1") FAIL("SAPNET_REQUIRE_GPU is 1, but " << obstacle);
  WARN("skipped: " << obstacle);
  ++skipped;
  return false;
}

int skipped_tests() { return skipped; }

}  // namespace sapnet::tests
