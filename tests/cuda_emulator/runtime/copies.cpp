// Copies between host and device, and memset.
#include <cstring>

#include "tests/cuda_emulator/runtime/runtime.h"

using namespace sapnet::cuda_emulator;

namespace {

enum class Place { kDevice, kPinned, kPageable };

Place place(const void* pointer) {
  const MemoryBlock* const block = find_block(pointer);
  if (!block) return Place::kPageable;
  return block->on_device ? Place::kDevice : Place::kPinned;
}

/// Fails unless these bytes are within one block, if they begin in one.
cudaError_t check_range(const void* pointer, std::size_t bytes, const char* what) {
  std::uintptr_t first = 0;
  const MemoryBlock* const block = find_block(pointer, &first);
  if (!block) return cudaSuccess;
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(pointer) - first;
  if (bytes <= block->bytes - offset) return cudaSuccess;
  return failed(cudaErrorInvalidValue, std::string(what) + " of " + std::to_string(bytes) +
                                           " bytes at byte " + std::to_string(offset) + " of a block of " +
                                           std::to_string(block->bytes) + " bytes");
}

cudaError_t check_direction(Place to, Place from, cudaMemcpyKind kind) {
  if (kind == cudaMemcpyDefault) return cudaSuccess;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const auto refuse = [](const char* end, bool device) {
    return failed(cudaErrorInvalidValue, std::string("the ") + end + " of a copy is memory of the " +
                                             (device ? "host" : "device") + ", and its kind says otherwise");
  };
  if ((to == Place::kDevice) != to_device) return refuse("destination", to_device);
  if ((from == Place::kDevice) != from_device) return refuse("source", from_device);
  return cudaSuccess;
}

cudaError_t check_copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (const cudaError_t error = check_direction(place(to), place(from), kind)) return error;
  if (const cudaError_t error = check_range(to, bytes, "a copy")) return error;
  return check_range(from, bytes, "a copy");
}

cudaError_t queue_copy(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  if (place(from) == Place::kPageable && !capturing(stream)) {
    // Through a staging buffer, as in CUDA.
    const auto staged = std::make_shared<std::vector<char>>(bytes);
    std::memcpy(staged->data(), from, bytes);
    return queue(stream, [to, staged] {
      std::memcpy(to, staged->data(), staged->size());
      return cudaSuccess;
    });
  }
  return queue(stream, [to, from, bytes] {
    std::memmove(to, from, bytes);
    return cudaSuccess;
  });
}

cudaError_t wait_for(cudaStream_t handle) {
  const auto stream = find_stream(handle);
  return run_until(stream, stream->queued);
}

}  // namespace

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return call([&]() -> cudaError_t {
    if (bytes == 0) return cudaSuccess;
    if (const cudaError_t error = check_copy(to, from, bytes, kind)) return error;
    if (const cudaError_t error = queue_copy(to, from, bytes, stream)) return error;
    return place(to) == Place::kPageable && !capturing(stream) ? wait_for(stream) : cudaSuccess;
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return call([&]() -> cudaError_t {
    if (bytes == 0) return cudaSuccess;
    if (const cudaError_t error = forbid_in_capture("cudaMemcpy")) return error;
    if (const cudaError_t error = check_copy(to, from, bytes, kind)) return error;
    const bool within_device = place(to) == Place::kDevice && place(from) == Place::kDevice;
    if (const cudaError_t error = queue_copy(to, from, bytes, nullptr)) return error;
    return within_device ? cudaSuccess : wait_for(nullptr);
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return call([&]() -> cudaError_t {
    if (bytes == 0) return cudaSuccess;
    if (place(to) == Place::kPageable)
      return failed(cudaErrorInvalidValue, "cudaMemset of memory that is not the device's");
    if (const cudaError_t error = check_range(to, bytes, "cudaMemset")) return error;
    return queue(stream, [=] {
      std::memset(to, value, bytes);
      return cudaSuccess;
    });
  });
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, nullptr);
}
