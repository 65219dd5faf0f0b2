// Device memory and page-locked host memory: heap blocks of exactly the requested size, so that
// AddressSanitizer knows their bounds, filled with NaN.
#include <cstdlib>
#include <cstring>

#include "tests/cuda_emulator/limits.h"
#include "tests/cuda_emulator/runtime/runtime.h"

#ifdef SAPNET_EMULATOR_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace sapnet::cuda_emulator {
namespace {

constexpr std::size_t kAlignment = 256;  // guaranteed by cudaMalloc
#ifdef SAPNET_EMULATOR_ASAN
constexpr std::size_t kGap = 0;  // AddressSanitizer has its own
#else
constexpr std::size_t kGap =
    1;  // or host memory might begin where a device block ends, and would count as the block's
#endif

void let_touch(std::uintptr_t address, std::size_t bytes, bool allowed) {
#ifdef SAPNET_EMULATOR_ASAN
  void* const memory = reinterpret_cast<void*>(address);
  if (allowed)
    __asan_unpoison_memory_region(memory, bytes);
  else
    __asan_poison_memory_region(memory, bytes);
#else
  (void)address, (void)bytes, (void)allowed;
#endif
}

void let_touch_device(bool allowed) {
  for (const auto& [address, block] : runtime().memory)
    if (block.on_device) let_touch(address, block.bytes, allowed);
}

int running = 0;  // nested tasks

std::string in_hex(const void* pointer) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", pointer);
  return text;
}

cudaError_t allocate(void** pointer, std::size_t bytes, bool on_device) {
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  Runtime& state = runtime();
  if (on_device && bytes > state.device.memory_bytes - state.device_bytes)
    return failed(cudaErrorMemoryAllocation);
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes + kGap) != 0) return failed(cudaErrorMemoryAllocation);
  std::memset(memory, kPoisonByte, bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  state.memory[address] = {bytes, on_device, false, current_device};
  if (on_device) {
    state.device_bytes += bytes;
    let_touch(address, bytes, running > 0);
  }
  *pointer = memory;
  return cudaSuccess;
}

/// The block that begins at an address, for release; null and an error if there is none.
MemoryBlock* find_to_release(const void* pointer, bool on_device, const char* name) {
  const auto found = runtime().memory.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found != runtime().memory.end() && found->second.on_device == on_device && !found->second.free_queued)
    return &found->second;
  failed(cudaErrorInvalidValue,
         std::string(name) + " of " + in_hex(pointer) +
             ", where no such block begins; it was released before, or is of another kind");
  return nullptr;
}

void release(void* pointer) {
  const auto found = runtime().memory.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found->second.on_device) {
    runtime().device_bytes -= found->second.bytes;
    let_touch(found->first, found->second.bytes, true);
  }
  runtime().memory.erase(found);
  std::free(pointer);
}

cudaError_t release_when_idle(void* pointer, bool on_device, const char* name) {
  return call([&]() -> cudaError_t {
    if (!pointer) return cudaSuccess;
    if (const cudaError_t error = forbid_in_capture(name)) return error;
    if (!find_to_release(pointer, on_device, name)) return cudaErrorInvalidValue;
    const cudaError_t error = run_all();
    release(pointer);
    return error;
  });
}

cudaError_t allocate_at_once(void** pointer, std::size_t bytes, bool on_device, const char* name) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t error = forbid_in_capture(name)) return error;
    return allocate(pointer, bytes, on_device);
  });
}

/// Allocations within graphs are not emulated.
cudaError_t refuse_capture(cudaStream_t stream, const char* name) {
  if (!capturing(stream)) return cudaSuccess;
  return failed(cudaErrorNotSupported, std::string("the emulator does not capture ") + name);
}

}  // namespace

const MemoryBlock* find_block(const void* pointer, std::uintptr_t* first) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  auto found = runtime().memory.upper_bound(address);
  if (found == runtime().memory.begin()) return nullptr;
  --found;
  if (address > found->first + found->second.bytes) return nullptr;
  if (first) *first = found->first;
  return &found->second;
}

DeviceRuns::DeviceRuns() {
  if (running++ == 0) let_touch_device(true);
}

DeviceRuns::~DeviceRuns() {
  if (--running == 0) let_touch_device(false);
}

}  // namespace sapnet::cuda_emulator

using namespace sapnet::cuda_emulator;

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return allocate_at_once(pointer, bytes, true, "cudaMalloc");
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return allocate_at_once(pointer, bytes, false, "cudaMallocHost");
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned /*flags*/) {
  return allocate_at_once(pointer, bytes, false, "cudaHostAlloc");
}

cudaError_t cudaFree(void* pointer) { return release_when_idle(pointer, true, "cudaFree"); }

cudaError_t cudaFreeHost(void* pointer) { return release_when_idle(pointer, false, "cudaFreeHost"); }

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  return call([&]() -> cudaError_t {
    if (!find_stream(stream)) return failed(cudaErrorInvalidResourceHandle);
    if (const cudaError_t error = refuse_capture(stream, "cudaMallocAsync")) return error;
    return allocate(pointer, bytes, true);
  });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return call([&]() -> cudaError_t {
    if (!pointer) return cudaSuccess;
    if (const cudaError_t error = refuse_capture(stream, "cudaFreeAsync")) return error;
    MemoryBlock* const block = find_to_release(pointer, true, "cudaFreeAsync");
    if (!block) return cudaErrorInvalidValue;
    const auto work = [pointer] {
      release(pointer);
      return cudaSuccess;
    };
    if (const cudaError_t error = queue(stream, work)) return error;
    block->free_queued = true;
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call([&] {
    *total = runtime().device.memory_bytes;
    *free = *total - runtime().device_bytes;
    return cudaSuccess;
  });
}
