// What the engine does after a kernel fault, when every call to a GPU fails, and with several threads.
#include <chrono>
#include <future>
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
  device.faults_persist = true;
  cuda_emulator::set_device(device);
  const engine::PrivatePool pool(Device::kCuda);
  const engine::PrivatePool::Scope scope(pool);
  const engine::Tensor in({1, 1, 1, 64}, Device::kCuda);
  samples::fault(samples::Fault::kNoDynamicShared, in.data(), engine::cuda::stream());
  CHECK_THROWS_WITH(to_vector(in), Contains("dynamic shared memory"));
  CHECK_THROWS_WITH(to_vector(in), Contains("an earlier kernel failed"));
}

TEST_CASE("a download waits while another thread captures a graph", "[cuda_emulator]") {
  const engine::Tensor source = engine::scalar(3, Device::kCuda);
  engine::Tensor copied({1, 1, 1, 1}, Device::kCuda);
  std::promise<void> capturing;
  std::thread other;
  float downloaded = 0;
  engine::cuda::Graph graph([&] {
    copy(source, copied);
    other = std::thread([&] {
      capturing.set_value();
      downloaded = to_vector(source)[0];
    });
    capturing.get_future().wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // time for the download to begin
  });
  other.join();
  CHECK(downloaded == 3);
  graph.launch();
  CHECK(to_vector(copied)[0] == 3);
}

}  // namespace
}  // namespace sapnet::tests
