// The choice of the GPU, and GPUs that cannot be used.
#include <cstdio>
#include <string>
#include <thread>

#include "engine/cuda.h"
#include "engine/device.h"
#include "engine/error.h"
#include "engine/ops/norm.h"
#include "engine/tensor.h"
#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"

namespace sapnet::tests {
namespace {

TEST_CASE("device auto warns about a GPU that cannot be used, and --device cuda fails", "[cuda_emulator]") {
  const Restored restored;
  const auto check = [](const cuda_emulator::Device& device, bool present, const std::string& reason) {
    cuda_emulator::set_device(device);
    CHECK(engine::cuda::unavailable_reason() == reason);
    const auto [chosen, obstacle] = engine::choose_device("auto");
    CHECK(chosen == engine::Device::kCpu);
    CHECK(obstacle == (present ? reason : ""));
    CHECK_THROWS_WITH(engine::choose_device("cuda"),
                      "device cuda cannot be used: " + reason + "; run with --device cpu or auto");
  };
  const std::string none = "no NVIDIA GPU was found (or its driver is not installed)";
  check({.gpus = 0}, false, none);
  check({.gpus = 0, .driver_version = 0}, false, none);
  check({.driver_version = 12040}, true,
        "the NVIDIA driver supports CUDA 12.4, but this build needs CUDA 13.0 (update the driver to version "
        "580 or newer, or build with CUDA 12)");
  check({.ready = false}, true, "CUDA: system not yet initialized");
  check({.major = 7, .minor = 5}, true,
        "emulated GPU, compute capability 7.5, is too old: at least 8.0 is needed");
  cuda_emulator::set_device({.driver_version = 13010});
  CHECK(engine::choose_device("auto").device == engine::Device::kCuda);
}

TEST_CASE("computes on the second GPU, on two threads", "[.second_gpu]") {
  engine::choose_device("cuda:1");
  const auto compute = [] {
    engine::Tensor result({1, 1, 1, 1}, engine::Device::kCuda);
    norm(engine::scalar(-3, engine::Device::kCuda), {}, result);
    std::printf("computed %g\n", static_cast<double>(to_vector(result)[0]));
  };
  compute();
  std::thread(compute).join();
}

TEST_CASE("all threads use the chosen GPU", "[cuda_emulator]") {
  const Ended ended = run_again("[.second_gpu]", "SAPNET_EMULATOR_DEVICE=two");
  CHECK_THAT(ended.output, Catch::Contains("computed 3 computed 3"));
}

}  // namespace
}  // namespace sapnet::tests
