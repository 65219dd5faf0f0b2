// What the engine asks of the CUDA runtime. A build without CUDA has it too (cuda_absent.cpp), and says so.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

#include "kernels/stream.h"

namespace sapnet::engine::cuda {

/// Why this program cannot run kernels on a GPU of this machine; empty when it can.
std::string unavailable_reason();

/// The GPU, for people: "NVIDIA H200, compute capability 9.0".
std::string describe();

/// The one stream that all work is queued on, in order. So memory that one operation is done with may be
/// handed to the next before either has run. All below throw Error when the runtime reports one.
kernels::CudaStream stream();

/// Held while work is queued, so that a thread that records a graph records its own work alone.
std::unique_lock<std::recursive_mutex> lock();

/// Device memory, or null when there is not enough.
void* allocate(std::size_t bytes);
void release(void* memory);

/// Bytes that are free on the device.
std::size_t available_memory();

/// Copies to the device, in the stream's order; `host` may change as soon as it returns.
void upload(void* device, const void* host, std::size_t bytes);

/// Copies from the device, after all work queued before, and waits for it.
void download(void* host, const void* device, std::size_t bytes);

/// Copies within the device, in the stream's order.
void copy(void* to, const void* from, std::size_t bytes);

/// Fills with zero bytes, in the stream's order.
void set_zero(void* device, std::size_t bytes);

/// Seconds from the first to the last of what `work` queues, by the device's clock; waits for it.
double elapsed_seconds(const std::function<void()>& work);

/// Work recorded once, and launched as a whole any number of times: what costs a GPU's host more than a
/// short kernel takes is paid once.
class Graph {
 public:
  /// Records what `work` queues on the stream, without running it. `work` may neither upload nor download
  /// nor need memory that the pool must get from the device, nor be the first to multiply matrices.
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Queues the recorded work.
  void launch();

 private:
  [[maybe_unused]] void* instance_ = nullptr;  // by a build without CUDA
};

}  // namespace sapnet::engine::cuda
