// The state behind the CUDA runtime API: settings, memory, streams, and the last error of each thread.
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

/// Remembers a failure for cudaGetLastError and cudaGetErrorString. sentence: what went wrong in particular.
cudaError_t failed(cudaError_t error, const std::string& sentence = "");

/// Something queued: what a stream does in its turn, or a graph each time that it is launched.
using Work = std::function<cudaError_t()>;

/// What a stream records instead of running it.
struct Capture {
  std::vector<Work> works;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool invalidated = false;
};

struct Stream;

/// When a stream has done so many of its tasks.
struct Point {
  std::shared_ptr<Stream> stream;
  std::uint64_t count;
};

struct Task {
  Work work;
  std::vector<Point> after;
};

struct Stream {
  bool blocking = true;  // takes turns with the default stream
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
  std::shared_ptr<Capture> capture;  // in which that was, if it was in one
};

using Graph = std::vector<Work>;

/// A block of emulated memory.
struct MemoryBlock {
  std::size_t bytes = 0;
  bool on_device = false;
  bool free_queued = false;
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
  std::unordered_map<const void*, std::size_t> dynamic_shared;  // what cudaFuncSetAttribute allows a kernel
};

Runtime& runtime();

/// Runs the body of an API function, alone, if there is a device.
template <class Body>
cudaError_t call(const Body& body) {
  const std::lock_guard alone(runtime().mutex);
  if (runtime().device.presence == Device::Presence::kAbsent) return failed(cudaErrorNoDevice);
  if (runtime().device.presence == Device::Presence::kOldDriver) return failed(cudaErrorInsufficientDriver);
  return body();
}

// --- streams.cpp ---

/// Null is the default stream; a null pointer comes back for what is no stream.
std::shared_ptr<Stream> find_stream(cudaStream_t stream);
/// Queues work on a stream, or records it if the stream is being captured.
cudaError_t queue(cudaStream_t stream, Work work, std::vector<Point> after = {});
/// Runs tasks of a stream, and what they wait for, until `count` are done.
cudaError_t run_until(const std::shared_ptr<Stream>& stream, std::uint64_t count);
cudaError_t run_all();
/// For calls that must not be made during a capture: fails, and spoils the capture, when there is one.
cudaError_t forbid_in_capture(const char* call);
bool capturing(cudaStream_t stream);

// --- memory.cpp ---

/// The block that an address lies in or ends, or null.
const MemoryBlock* find_block(const void* address, std::uintptr_t* first = nullptr);

/// While it lives the device runs: host code cannot touch device memory at other times without that
/// AddressSanitizer sees it.
class DeviceRuns {
 public:
  DeviceRuns();
  ~DeviceRuns();
  DeviceRuns(const DeviceRuns&) = delete;
  DeviceRuns& operator=(const DeviceRuns&) = delete;
};

}  // namespace sapnet::cuda_emulator
