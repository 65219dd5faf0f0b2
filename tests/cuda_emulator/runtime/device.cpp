// Devices.
#include <cstring>

#include "tests/cuda_emulator/limits.h"
#include "tests/cuda_emulator/runtime/runtime.h"

using namespace sapnet::cuda_emulator;

thread_local int sapnet::cuda_emulator::current_device = 0;

namespace {

cudaError_t on_device(int device, const std::function<void()>& body) {
  return call([&] {
    if (device < 0 || device >= runtime().device.gpus) return failed(cudaErrorInvalidDevice);
    body();
    return cudaSuccess;
  });
}

cudaDeviceProp properties(int number) {
  const Device& device = runtime().device;
  cudaDeviceProp result{};
  std::strcpy(result.name, number == 0 ? "emulated GPU" : ("emulated GPU " + std::to_string(number)).c_str());
  result.totalGlobalMem = device.memory_bytes;
  result.sharedMemPerBlock = kSharedWithoutAsking;
  result.sharedMemPerBlockOptin = kMaxShared;
  result.sharedMemPerMultiprocessor = kSharedOfMultiprocessor;
  result.warpSize = warpSize;
  result.maxThreadsPerBlock = static_cast<int>(kMaxThreads);
  result.maxThreadsPerMultiProcessor = static_cast<int>(kMaxThreadsOfMultiprocessor);
  result.maxGridSize[0] = static_cast<int>(kMaxGridX);
  result.maxGridSize[1] = result.maxGridSize[2] = static_cast<int>(kMaxGridYZ);
  result.major = device.major;
  result.minor = device.minor;
  result.multiProcessorCount = device.multiprocessors;
  result.l2CacheSize = 50 << 20;
  result.cooperativeLaunch = 1;
  return result;
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return call([&] {
    *count = runtime().device.gpus;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return on_device(current_device, [&] { *device = current_device; });
}

cudaError_t cudaSetDevice(int device) {
  return on_device(device, [&] { current_device = device; });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* result, int device) {
  return on_device(device, [&] { *result = properties(device); });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return on_device(device, [&] {
    const cudaDeviceProp p = properties(device);
    switch (attribute) {
      case cudaDevAttrMaxThreadsPerBlock:
        *value = p.maxThreadsPerBlock;
        break;
      case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(p.sharedMemPerBlock);
        break;
      case cudaDevAttrWarpSize:
        *value = p.warpSize;
        break;
      case cudaDevAttrMultiProcessorCount:
        *value = p.multiProcessorCount;
        break;
      case cudaDevAttrL2CacheSize:
        *value = p.l2CacheSize;
        break;
      case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = p.maxThreadsPerMultiProcessor;
        break;
      case cudaDevAttrComputeCapabilityMajor:
        *value = p.major;
        break;
      case cudaDevAttrComputeCapabilityMinor:
        *value = p.minor;
        break;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(p.sharedMemPerMultiprocessor);
        break;
      case cudaDevAttrCooperativeLaunch:
        *value = p.cooperativeLaunch;
        break;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(p.sharedMemPerBlockOptin);
        break;
      case cudaDevAttrMemoryPoolsSupported:
        *value = 1;
        break;
    }
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = device().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  return call([] {
    const cudaError_t error = forbid_in_capture("cudaDeviceSynchronize");
    return error ? error : run_all();
  });
}
