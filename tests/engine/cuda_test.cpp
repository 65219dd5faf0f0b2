#include "engine/cuda.h"

#include <chrono>

#include "engine/error.h"
#include "engine/tensor.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"

namespace sapnet::tests {
namespace {

TEST_CASE("elapsed device time is within the host's", "[engine][gpu]") {
  if (!have_gpu()) return;
  using Clock = std::chrono::steady_clock;
  const std::vector<float> values(1 << 20, 3.0F);
  const engine::Shape shape{1, 1, 1, 1 << 20};
  const engine::Tensor from = engine::from_host(values, shape, engine::Device::kCuda);
  engine::Tensor to(shape, engine::Device::kCuda);
  const Clock::time_point start = Clock::now();
  const double seconds = engine::cuda::elapsed_seconds([&] { engine::copy(from, to); });
  const double of_host = std::chrono::duration<double>(Clock::now() - start).count();
  CHECK(seconds > 0);
  CHECK(seconds < of_host);
  std::vector<float> copied(values.size());
  engine::to_host(to, copied);
  CHECK(copied == values);
  CHECK_THROWS_AS(engine::cuda::elapsed_seconds([] { throw Error("as is"); }), Error);
}

// Large enough to wrap around the page-locked staging memory.
TEST_CASE("uploads arrive, however many are in flight", "[engine][gpu]") {
  if (!have_gpu()) return;
  const engine::Shape shape{1, 1, 1, 3 << 20};
  std::vector<engine::Tensor> uploaded;
  for (int k = 0; k < 6; ++k)
    uploaded.push_back(
        engine::from_host(std::vector<float>(3 << 20, static_cast<float>(k)), shape, engine::Device::kCuda));
  const engine::Shape large{1, 1, 1, 9 << 20};
  const engine::Tensor last =
      engine::from_host(std::vector<float>(9 << 20, 7.0F), large, engine::Device::kCuda);
  for (int k = 0; k < 6; ++k)
    CHECK(to_vector(uploaded[static_cast<std::size_t>(k)]) ==
          std::vector<float>(3 << 20, static_cast<float>(k)));
  CHECK(to_vector(last) == std::vector<float>(9 << 20, 7.0F));
}

}  // namespace
}  // namespace sapnet::tests
