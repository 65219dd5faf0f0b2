#include "engine/cuda.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "engine/error.h"
#include "engine/tensor.h"
#include "tests/gpu/have_gpu.h"

namespace sapnet::tests {
namespace {

TEST_CASE("the device's time for some work is part of the host's", "[engine][gpu]") {
  if (!have_gpu()) return;
  using Clock = std::chrono::steady_clock;
  const std::vector<float> values(1 << 20, 3.0F);
  const engine::Shape shape{1, 1, 1, 1 << 20};
  const engine::Tensor from = engine::from_host(values, shape, engine::Device::kCuda);
  engine::Tensor to(shape, engine::Device::kCuda);
  const Clock::time_point start = Clock::now();
  const double seconds = engine::cuda::seconds_for([&] { engine::copy(from, to); });
  const double of_host = std::chrono::duration<double>(Clock::now() - start).count();
  CHECK(seconds > 0);
  CHECK(seconds < of_host);
  std::vector<float> copied(values.size());
  engine::to_host(to, copied);
  CHECK(copied == values);
  CHECK_THROWS_AS(engine::cuda::seconds_for([] { throw Error("as is"); }), Error);
}

}  // namespace
}  // namespace sapnet::tests
