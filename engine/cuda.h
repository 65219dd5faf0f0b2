// The engine's interface to the CUDA runtime. In builds without CUDA (cuda_absent.cpp) all of it throws.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

#include "kernels/context.h"

namespace sapnet::engine::cuda {

/// Why kernels cannot run on the GPU with this number, counted from 0; empty if they can.
std::string unavailable_reason(int gpu = 0);

/// Whether there is a GPU, even one that cannot be used.
bool gpu_present();

/// Makes everything below use this GPU instead of GPU 0. Call it before anything that uses one: there is one
/// GPU per process. Returns why it cannot be used; empty on success.
std::string use_gpu(int gpu);

/// Describes the GPU for users: "NVIDIA H200, compute capability 9.0".
std::string describe();

/// The single stream on which all work is queued, in order. So memory released by one operation may be reused
/// by the next before either has run. All functions below throw Error if the runtime reports one.
kernels::CudaStream stream();

/// Hold this while queueing work or waiting for it, so that a thread capturing a graph captures only its own
/// work and no other thread invalidates the capture.
std::unique_lock<std::recursive_mutex> lock();

/// Allocates device memory; returns null if there is not enough.
void* allocate(std::size_t bytes);

/// Frees device memory. Does not throw.
void release(void* memory);

/// Free bytes on the device.
std::size_t available_memory();

/// Copies to the device in stream order; `host` may be modified as soon as this returns.
void upload(void* device, const void* host, std::size_t bytes);

/// Copies from the device in stream order, and waits for the copy.
void download(void* host, const void* device, std::size_t bytes);

/// Copies within the device in stream order.
void copy(void* to, const void* from, std::size_t bytes);

/// Sets bytes to zero in stream order.
void set_zero(void* device, std::size_t bytes);

/// Device time, in seconds, of the work that `work` queues, measured with events; waits for it.
double elapsed_seconds(const std::function<void()>& work);

/// A CUDA graph: work captured once and launched any number of times, which avoids the launch overhead of the
/// individual kernels.
class Graph {
 public:
  /// Captures what `work` queues on the stream, without running it. `work` must not upload, download, or
  /// allocate memory that the pool does not already hold, and must not contain the process's first matrix
  /// multiplication (which initialises cuBLAS).
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Queues the captured work.
  void launch();

 private:
  [[maybe_unused]] void* instance_ = nullptr;  // in builds without CUDA
};

}  // namespace sapnet::engine::cuda
