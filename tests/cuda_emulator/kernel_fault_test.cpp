// The engine after a kernel fault, when every CUDA call fails, and on several threads.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "engine/buffer.h"
#include "engine/cuda.h"
#include "engine/error.h"
#include "engine/tensor.h"
#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"
#include "tests/cuda_emulator/samples/samples.h"

namespace sapnet::tests {
namespace {

using Catch::Contains;
using engine::Device;

TEST_CASE("after a kernel fault, destructors release memory without throwing", "[cuda_emulator]") {
  const Restored restored;
  cuda_emulator::Device device = cuda_emulator::device();
  device.sticky_errors = true;
  cuda_emulator::set_device(device);
  const engine::PrivatePool pool(Device::kCuda);
  const engine::PrivatePool::Scope scope(pool);
  const engine::Tensor in({1, 1, 1, 64}, Device::kCuda);
  samples::fault(samples::Fault::kNoDynamicShared, in.data(), engine::cuda::stream());
  CHECK_THROWS_WITH(to_vector(in), Contains("dynamic shared memory"));
  CHECK_THROWS_WITH(to_vector(in), Contains("an earlier kernel failed"));
}

TEST_CASE("downloads on one thread do not invalidate captures on another", "[cuda_emulator]") {
  const engine::Tensor source = engine::scalar(3, Device::kCuda);
  engine::Tensor copied({1, 1, 1, 1}, Device::kCuda);
  std::atomic<bool> captured = false;
  std::string failure;
  std::thread other([&] {
    try {
      while (!captured) to_vector(source);
    } catch (const Error& error) {
      failure = error.what();
    }
  });
  const auto work = [&] {
    copy(source, copied);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // time for a download to interfere
  };
  for (int k = 0; k < 50; ++k) CHECK_NOTHROW(engine::cuda::Graph(work));
  captured = true;
  other.join();
  CHECK(failure.empty());
}

}  // namespace
}  // namespace sapnet::tests
