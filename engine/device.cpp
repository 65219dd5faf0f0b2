#include "engine/device.h"

#include "engine/cuda.h"
#include "engine/error.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace sapnet::engine {

std::string_view to_string(Device device) { return device == Device::kCuda ? "cuda" : "cpu"; }

Device choose_device(std::string_view request) {
  if (request == "cpu") return Device::kCpu;
  if (request != "cuda" && request != "auto")
    throw Error("'" + std::string(request) + "' is not a device; choose auto, cpu or cuda");
  const std::string obstacle = cuda::unavailable_reason();
  if (obstacle.empty()) return Device::kCuda;
  if (request == "auto") return Device::kCpu;
  throw Error("device cuda cannot be used: " + obstacle + "; run with --device cpu or auto");
}

std::string describe(Device device) {
  if (device == Device::kCuda) return "cuda, " + cuda::describe();
  return "cpu, " + kernels::simd_name(kernels::simd_targets().front()) + ", " + std::to_string(threads()) +
         (threads() == 1 ? " thread" : " threads");
}

void set_threads(int count) {
  if (count < 1) throw Error("the number of threads must be at least 1, not " + std::to_string(count));
  kernels::set_threads(count);
}

int threads() { return kernels::threads(); }

}  // namespace sapnet::engine
