// Devices: one or none.
#include <cstring>

#include "tests/cuda_emulator/limits.h"
#include "tests/cuda_emulator/runtime/runtime.h"

using namespace sapnet::cuda_emulator;

namespace {

constexpr int kCudaVersion = CUDART_VERSION;

cudaError_t on_device(int device, const std::function<void()>& body) {
  return call([&] {
    if (device != 0) return failed(cudaErrorInvalidDevice);
    body();
    return cudaSuccess;
  });
}

cudaDeviceProp properties() {
  const Device& device = runtime().device;
  cudaDeviceProp result{};
  std::strcpy(result.name, "emulated GPU");
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
    *count = 1;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return on_device(0, [&] { *device = 0; });
}

cudaError_t cudaSetDevice(int device) {
  return on_device(device, [] {});
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* result, int device) {
  return on_device(device, [&] { *result = properties(); });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return on_device(device, [&] {
    const cudaDeviceProp p = properties();
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
  const bool driver = device().presence == Device::Presence::kPresent;
  *version = driver ? kCudaVersion : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kCudaVersion;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  return call([] {
    const cudaError_t error = forbid_in_capture("cudaDeviceSynchronize");
    return error ? error : run_all();
  });
}
