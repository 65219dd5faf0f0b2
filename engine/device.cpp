#include "engine/device.h"

#include "engine/error.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"

#ifdef SAPNET_CUDA
#include <cuda_runtime_api.h>
#endif

namespace sapnet::engine {
namespace {

/// Why `--device cuda` cannot run here.
std::string why_no_cuda() {
#ifdef SAPNET_CUDA
  int count = 0;
  // Both cudaErrorNoDevice and cudaErrorInsufficientDriver mean that there is no GPU to use.
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0)
    return "no NVIDIA GPU was found (or its driver is missing or too old)";
  return "this version has no CUDA kernels yet";
#else
  return "this build was made without the CUDA toolkit";
#endif
}

}  // namespace

std::string_view to_string(Device device) { return device == Device::kCuda ? "cuda" : "cpu"; }

Device choose_device(std::string_view request) {
  if (request == "auto" || request == "cpu") return Device::kCpu;
  if (request == "cuda")
    throw Error("device cuda cannot be used: " + why_no_cuda() + "; run with --device cpu or auto");
  throw Error("'" + std::string(request) + "' is not a device; choose auto, cpu or cuda");
}

std::string describe(Device device) {
  return std::string(to_string(device)) + ", " + kernels::simd_name(kernels::simd_targets().front()) + ", " +
         std::to_string(threads()) + (threads() == 1 ? " thread" : " threads");
}

void set_threads(int count) {
  if (count < 1) throw Error("the number of threads must be at least 1, not " + std::to_string(count));
  kernels::set_threads(count);
}

int threads() { return kernels::threads(); }

}  // namespace sapnet::engine
