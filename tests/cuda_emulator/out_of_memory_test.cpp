// A small GPU: idle memory is released before an allocation fails.
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/buffer.h"
#include "engine/cuda.h"
#include "engine/error.h"
#include "engine/tensor.h"
#include "model/cuda_graph_network.h"
#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"

namespace sapnet::tests {
namespace {

using Catch::Contains;
using engine::Device;
using engine::Tensor;

constexpr std::int64_t kMebibyte = 1 << 20;

Tensor allocate(std::int64_t mebibytes) {
  return {{1, 1, 1, mebibytes * kMebibyte / static_cast<std::int64_t>(sizeof(float))}, Device::kCuda};
}

/// Leaves this much free memory on the device.
void leave(std::int64_t mebibytes) {
  engine::release_pool(Device::kCuda);
  cuda_emulator::Device device = cuda_emulator::device();
  const std::size_t used = device.memory_bytes - engine::cuda::available_memory();
  device.memory_bytes = used + static_cast<std::size_t>(mebibytes * kMebibyte);
  cuda_emulator::set_device(device);
}

/// A pool whose graph sets a number, and uses 4 MiB besides.
class Pooled {
 public:
  explicit Pooled(float number) {
    const engine::PrivatePool::Scope scope(pool);
    source_ = engine::scalar(number, Device::kCuda);
    target_ = engine::scalar(0, Device::kCuda);
    const auto work = [&] {
      allocate(4);
      copy(source_, target_);
    };
    work();
    pool.capture(work);
  }

  float number() {
    pool.launch();
    return to_vector(target_)[0];
  }

  engine::PrivatePool pool{Device::kCuda};

 private:
  Tensor source_, target_;
};

TEST_CASE("free blocks of all pools are released before graphs are dropped", "[cuda_emulator]") {
  const Restored restored;
  Pooled recorded(3);
  const engine::PrivatePool without_graph(Device::kCuda);
  leave(10);
  {
    const engine::PrivatePool::Scope scope(without_graph);
    allocate(4);
  }
  allocate(5);  // stays in the common pool
  const engine::PrivatePool other(Device::kCuda);
  const engine::PrivatePool::Scope scope(other);
  const Tensor first = allocate(9);
  CHECK(recorded.pool.has_graph());
  CHECK(recorded.number() == 3);
  const Tensor second = allocate(4);
  CHECK_FALSE(recorded.pool.has_graph());
}

TEST_CASE("graphs are dropped when memory runs out, but not one in use", "[cuda_emulator]") {
  const Restored restored;
  Pooled used(3), idle(4);
  leave(1);
  std::vector<Tensor> taken;
  {
    const engine::PrivatePool::Scope scope(used.pool);
    taken.push_back(allocate(3));
    CHECK(used.pool.has_graph());
    CHECK_FALSE(idle.pool.has_graph());
    CHECK_THROWS_WITH(allocate(3), "out of memory: requested 3 MiB");
    CHECK(used.number() == 3);
  }
  taken.push_back(allocate(3));
  CHECK_FALSE(used.pool.has_graph());
  CHECK_THROWS_WITH(allocate(8), "out of memory: requested 8 MiB");
}

TEST_CASE("a graph's memory is available unless it is in use", "[cuda_emulator]") {
  const Pooled recorded(3);
  engine::release_pool(Device::kCuda);
  const std::size_t free = engine::cuda::available_memory();
  CHECK(engine::available_memory(Device::kCuda) == free + 4 * kMebibyte);
  const engine::PrivatePool::Scope scope(recorded.pool);
  CHECK(engine::available_memory(Device::kCuda) == free);
}

/// Copies its input, and uses 4 MiB besides.
class Large final : public model::Network {
 public:
  explicit Large(int& forwards) : forwards_(forwards) {}

  std::string_view name() const override { return "large"; }
  Tensor forward(const Tensor& rainy, int /*stages*/) const override {
    ++forwards_;
    allocate(4);
    Tensor result(rainy.shape(), Device::kCuda);
    copy(rainy, result);
    return result;
  }
  std::size_t forward_bytes(const engine::Shape& /*rainy*/) const override { return 0; }
  std::size_t training_bytes_per_stage(const engine::Shape& /*rainy*/) const override { return 0; }
  void pack() override {}

 private:
  int& forwards_;
};

TEST_CASE("an image of another size takes the memory of an idle graph", "[cuda_emulator]") {
  const Restored restored;
  int forwards = 0;
  const model::CudaGraphNetwork network(std::make_unique<Large>(forwards));
  leave(6);
  float value = 0;
  const auto run = [&](const engine::Shape& shape) {
    const std::vector<float> rainy(static_cast<std::size_t>(shape.count()), ++value);
    CHECK(to_vector(network.forward(engine::from_host(rainy, shape, Device::kCuda), 1)) == rainy);
  };
  const engine::Shape first{1, 2, 3, 3}, second{1, 4, 5, 3};
  for (int k = 0; k < 3; ++k) run(first);
  CHECK(forwards == 3);  // eager, eager and captured, replayed
  for (int k = 0; k < 3; ++k) run(second);
  CHECK(forwards == 3 + 3);
  for (int k = 0; k < 3; ++k) run(first);
  CHECK(forwards == 6 + 2);  // captured again
}

}  // namespace
}  // namespace sapnet::tests
