// Kernel launches: limits are checked when the launch is queued, and that of dynamic shared memory again when
// a graph replays it.
#include <algorithm>

#include "tests/cuda_emulator/core/worker.h"
#include "tests/cuda_emulator/limits.h"
#include "tests/cuda_emulator/runtime/runtime.h"

namespace sapnet::cuda_emulator {
namespace {

std::string text(dim3 extent) {
  return std::to_string(extent.x) + " × " + std::to_string(extent.y) + " × " + std::to_string(extent.z);
}

cudaFuncAttributes& attributes_of(const void* kernel) {
  constexpr cudaFuncAttributes kDefault = {static_cast<int>(kSharedWithoutAsking),
                                           cudaSharedmemCarveoutDefault};
  return runtime().kernels.try_emplace(kernel, kDefault).first->second;
}

int blocks_of_multiprocessor(unsigned threads, std::size_t shared_bytes) {
  constexpr unsigned kWarp = static_cast<unsigned>(warpSize);
  const unsigned by_threads = kMaxThreadsOfMultiprocessor / ((threads + kWarp - 1) / kWarp * kWarp);
  const auto by_shared = static_cast<unsigned>(kSharedOfMultiprocessor / (shared_bytes + kSharedOfSystem));
  return static_cast<int>(std::min({by_threads, by_shared, kMaxBlocksOfMultiprocessor}));
}

cudaError_t check_extents(const Launch& launch) {
  const dim3 grid = launch.grid, block = launch.block;
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > kMaxGridX || grid.y > kMaxGridYZ ||
      grid.z > kMaxGridYZ)
    return failed(cudaErrorInvalidConfiguration,
                  "a grid of " + text(grid) + " blocks; at least 1 and at most " +
                      text({kMaxGridX, kMaxGridYZ, kMaxGridYZ}) + " are allowed");
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (block.x > kMaxThreads || block.y > kMaxThreads || block.z > kMaxBlockZ || threads < 1 ||
      threads > kMaxThreads)
    return failed(cudaErrorInvalidConfiguration, "a block of " + text(block) + " threads; from 1 to " +
                                                     std::to_string(kMaxThreads) + " are allowed");
  return cudaSuccess;
}

cudaError_t check_dynamic_shared(const Launch& launch) {
  const int limit = attributes_of(launch.kernel).maxDynamicSharedSizeBytes;
  if (launch.shared_bytes <= static_cast<std::size_t>(limit)) return cudaSuccess;
  return failed(cudaErrorInvalidValue, std::to_string(launch.shared_bytes) +
                                           " bytes of dynamic shared memory; the kernel may have " +
                                           std::to_string(limit) + ", or more after cudaFuncSetAttribute");
}

cudaError_t check(const Launch& launch) {
  if (const cudaError_t error = check_extents(launch)) return error;
  if (const cudaError_t error = check_dynamic_shared(launch)) return error;
  for (const void* pointer : launch.pointers)
    if (pointer && !find_block(pointer))
      return failed(cudaErrorIllegalAddress,
                    "an argument of the kernel points to memory that is not the device's");
  const unsigned blocks = launch.grid.x * launch.grid.y * launch.grid.z;
  const int resident =
      blocks_of_multiprocessor(launch.block.x * launch.block.y * launch.block.z, launch.shared_bytes) *
      runtime().device.multiprocessors;
  if (launch.cooperative && blocks > static_cast<unsigned>(resident))
    return failed(cudaErrorCooperativeLaunchTooLarge, std::to_string(blocks) +
                                                          " blocks in a cooperative launch; " +
                                                          std::to_string(resident) + " fit on the device");
  return cudaSuccess;
}

/// Kernels run on the current device, which must be that of the stream. Access to another device's memory is
/// not enabled.
cudaError_t check_device(const Launch& launch, cudaStream_t handle) {
  const auto stream = find_stream(handle);
  if (handle && stream && stream->device != current_device)
    return failed(cudaErrorInvalidResourceHandle, "a launch on a stream of another GPU than the current one");
  for (const void* pointer : launch.pointers)
    if (pointer && find_block(pointer)->on_device && find_block(pointer)->device != current_device)
      return failed(cudaErrorIllegalAddress, "an argument of the kernel points to memory of another GPU");
  return cudaSuccess;
}

}  // namespace

cudaError_t enqueue(Launch launch, cudaStream_t stream) {
  return call([&] {
    if (const cudaError_t error = check(launch)) return error;
    if (const cudaError_t error = check_device(launch, stream)) return error;
    return queue(stream, [launch = std::move(launch), captured = capturing(stream)] {
      if (captured)
        if (const cudaError_t error = check_dynamic_shared(launch)) return error;
      const std::string failure = run_grid(launch, runtime().schedule);
      if (failure.empty()) return cudaSuccess;
      if (runtime().device.sticky_errors) runtime().fault = cudaErrorLaunchFailure;
      return failed(cudaErrorLaunchFailure, failure);
    });
  });
}

cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call([&] {
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) {
      if (value < cudaSharedmemCarveoutDefault || value > cudaSharedmemCarveoutMaxShared)
        return failed(cudaErrorInvalidValue, "a carve-out of " + std::to_string(value) + " percent");
      attributes_of(kernel).preferredShmemCarveout = value;
      return cudaSuccess;
    }
    if (value < 0 || static_cast<std::size_t>(value) > kMaxShared)
      return failed(cudaErrorInvalidValue, std::to_string(value) +
                                               " bytes of dynamic shared memory; a block may have " +
                                               std::to_string(kMaxShared));
    attributes_of(kernel).maxDynamicSharedSizeBytes = std::max(value, static_cast<int>(kSharedWithoutAsking));
    return cudaSuccess;
  });
}

cudaError_t get_attributes(cudaFuncAttributes* attributes, const void* kernel) {
  return call([&] {
    *attributes = attributes_of(kernel);
    return cudaSuccess;
  });
}

cudaError_t occupancy(int* blocks, const void* /*kernel*/, int threads, std::size_t shared_bytes) {
  return call([&] {
    if (threads < 1 || static_cast<unsigned>(threads) > kMaxThreads) return failed(cudaErrorInvalidValue);
    *blocks = blocks_of_multiprocessor(static_cast<unsigned>(threads), shared_bytes);
    return cudaSuccess;
  });
}

}  // namespace sapnet::cuda_emulator
