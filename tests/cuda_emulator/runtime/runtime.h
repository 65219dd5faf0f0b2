// The state behind the CUDA runtime API: settings, memory, streams, and each thread's last error.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tests/cuda_emulator/emulator.h"

namespace sapnet::cuda_emulator {

/// Records a failure for cudaGetLastError and cudaGetErrorString. sentence: the specific message.
cudaError_t failed(cudaError_t error, const std::string& sentence = "");

/// The thread's current device.
extern thread_local int current_device;

/// A task of a stream, or the work of a graph at each launch.
using Work = std::function<cudaError_t()>;

/// The work that a capturing stream records.
struct Capture {
  std::vector<Work> works;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool invalidated = false;
};

struct Stream;

/// The moment when a stream has finished this many tasks.
struct Point {
  std::shared_ptr<Stream> stream;
  std::uint64_t count;
};

struct Task {
  Work work;
  std::vector<Point> after;
};

struct Stream {
  int device = 0;
  bool blocking = true;  // synchronises with the default stream
  bool destroyed = false;
  std::deque<Task> tasks;
  std::uint64_t queued = 0, done = 0;
  std::shared_ptr<Capture> capture;
};

struct Event {
  struct Record {
    Point point;
    bool done = false;
    double seconds = 0;
  };
  bool timed = true;
  std::shared_ptr<Record> record;    // of the last cudaEventRecord
  std::shared_ptr<Capture> capture;  // the capture it was in, if any
};

using Graph = std::vector<Work>;

/// A block of emulated memory.
struct MemoryBlock {
  std::size_t bytes = 0;
  bool on_device = false;
  bool free_queued = false;
  int device = 0;
};

struct Runtime {
  std::recursive_mutex mutex;
  Schedule schedule;
  Device device;
  std::map<std::uintptr_t, MemoryBlock> memory;  // by address
  std::size_t device_bytes = 0;
  std::shared_ptr<Stream> default_stream = std::make_shared<Stream>();
  std::unordered_map<const void*, std::shared_ptr<Stream>> streams;
  std::unordered_map<const void*, std::shared_ptr<Event>> events;
  std::unordered_map<const void*, std::shared_ptr<const Graph>> graphs, executables;
  std::unordered_map<const void*, cudaFuncAttributes> kernels;
  cudaError_t fault = cudaSuccess;  // of a kernel, with sticky errors
};

Runtime& runtime();

/// Runs the body of an API function under the lock, if there is a device.
template <class Body>
cudaError_t call(const Body& body) {
  const std::lock_guard alone(runtime().mutex);
  const Device& device = runtime().device;
  if (device.driver_version / 1000 < CUDART_VERSION / 1000) return failed(cudaErrorInsufficientDriver);
  if (device.gpus == 0) return failed(cudaErrorNoDevice);
  if (!device.ready) return failed(cudaErrorSystemNotReady);
  if (runtime().fault != cudaSuccess) return failed(runtime().fault, "an earlier kernel failed");
  return body();
}

// --- streams.cpp ---

/// Null is the default stream; returns a null pointer for an invalid stream.
std::shared_ptr<Stream> find_stream(cudaStream_t stream);
/// Queues work on a stream, or records it if the stream is capturing.
cudaError_t queue(cudaStream_t stream, Work work, std::vector<Point> after = {});
/// Runs tasks of a stream, and what they depend on, until `count` are done.
cudaError_t run_until(const std::shared_ptr<Stream>& stream, std::uint64_t count);
cudaError_t run_all();
/// For calls that are not allowed during a capture: fails, and invalidates the capture, if there is one.
cudaError_t forbid_in_capture(const char* call);
bool capturing(cudaStream_t stream);

// --- memory.cpp ---

/// The block that contains an address or ends at it, or null.
const MemoryBlock* find_block(const void* address, std::uintptr_t* first = nullptr);

/// While it lives the device is running. At other times device memory is poisoned, so that AddressSanitizer
/// detects accesses by host code.
class DeviceRuns {
 public:
  DeviceRuns();
  ~DeviceRuns();
  DeviceRuns(const DeviceRuns&) = delete;
  DeviceRuns& operator=(const DeviceRuns&) = delete;
};

}  // namespace sapnet::cuda_emulator
