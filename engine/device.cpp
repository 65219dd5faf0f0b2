#include "engine/device.h"

#include <charconv>

#include "engine/cuda.h"
#include "engine/error.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace sapnet::engine {

std::string_view to_string(Device device) { return device == Device::kCuda ? "cuda" : "cpu"; }

std::optional<int> gpu_number(std::string_view device) {
  constexpr std::string_view kCuda = "cuda";
  if (device == kCuda) return 0;
  if (!device.starts_with("cuda:")) return std::nullopt;
  const std::string_view digits = device.substr(kCuda.size() + 1);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

ChosenDevice choose_device(std::string_view request) {
  if (request == "cpu") return {Device::kCpu, ""};
  const std::optional<int> gpu = request == "auto" ? 0 : gpu_number(request);
  if (!gpu) throw Error("'" + std::string(request) + "' is not a device; choose auto, cpu, cuda or cuda:N");
  const std::string obstacle = cuda::use_gpu(*gpu);
  if (obstacle.empty()) return {Device::kCuda, ""};
  if (request != "auto")
    throw Error("device " + std::string(request) + " cannot be used: " + obstacle +
                "; run with --device cpu or auto");
  return {Device::kCpu, cuda::gpu_present() ? obstacle : ""};
}

std::string not_used(const std::string& gpu, const std::string& reason) {
  return gpu + " is not used: " + reason + "; running on the CPU";
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
