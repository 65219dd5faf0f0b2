#include "engine/cuda.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <type_traits>

#include "kernels/cuda_check.h"

namespace sapnet::engine::cuda {
namespace {

constexpr int kMinMajor = 8;  // lowest compute capability that the kernels are built for

using kernels::check_cuda;

int used_gpu = 0;

/// Each thread has a current GPU, initially 0. Fails only after a fault, which is reported elsewhere.
void make_current() { cudaSetDevice(used_gpu); }

cudaDeviceProp properties(int gpu) {
  cudaDeviceProp found;
  check_cuda(cudaGetDeviceProperties(&found, gpu), "querying the device properties");
  return found;
}

std::string capability(const cudaDeviceProp& device) {
  return std::string(device.name) + ", compute capability " + std::to_string(device.major) + "." +
         std::to_string(device.minor);
}

/// "12.4" from 12040.
std::string version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

struct Gpus {
  int count;             // of those that the driver can use
  bool present;          // there is a GPU, even one that cannot be used
  std::string obstacle;  // why none can be used; empty if one can
};

Gpus find_gpus() {
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (status == cudaSuccess && count > 0) return {count, true, ""};
  cudaDriverGetVersion(&driver);
  // Without a driver, the status is also cudaErrorInsufficientDriver.
  if (status == cudaSuccess || status == cudaErrorNoDevice || driver == 0)
    return {0, false, "no NVIDIA GPU was found (or its driver is not installed)"};
  if (status != cudaErrorInsufficientDriver)
    return {0, true, std::string("CUDA: ") + cudaGetErrorString(status)};
  cudaRuntimeGetVersion(&runtime);
  return {0, true,
          "the NVIDIA driver supports CUDA " + version(driver) + ", but this build needs CUDA " +
              version(runtime) + " (update the driver to version " +
              (runtime >= 13000 ? "580 or newer, or build with CUDA 12)" : "525 or newer)")};
}

/// Page-locked staging memory for uploads, so that copies run asynchronously.
class Staging {
 public:
  void upload(void* device, const char* host, std::size_t bytes) {
    const auto guard = lock();
    // A captured upload would copy whatever the staging memory holds at each launch.
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check_cuda(cudaStreamIsCapturing(stream(), &status), "querying the capture state");
    if (status != cudaStreamCaptureStatusNone) throw Error("an upload cannot be captured in a graph");
    if (!memory_) {
      check_cuda(cudaMallocHost(&memory_, kBytes), "allocating page-locked memory");
      check_cuda(cudaEventCreateWithFlags(&fetched_, cudaEventDisableTiming), "creating an event");
    }
    for (std::size_t done = 0; done < bytes; done += kBytes) {
      const std::size_t size = std::min(kBytes, bytes - done);
      if (size > kBytes - used_) {  // wrap around once all pending copies are done
        check_cuda(cudaEventSynchronize(fetched_), "waiting for uploads");
        used_ = 0;
      }
      char* const staged = static_cast<char*>(memory_) + used_;
      std::memcpy(staged, host + done, size);
      check_cuda(
          cudaMemcpyAsync(static_cast<char*>(device) + done, staged, size, cudaMemcpyHostToDevice, stream()),
          "uploading");
      check_cuda(cudaEventRecord(fetched_, stream()), "recording an event");
      used_ += size;
    }
  }

 private:
  static constexpr std::size_t kBytes = 32U << 20U;

  void* memory_ = nullptr;
  std::size_t used_ = 0;  // bytes used since the last wrap-around
  cudaEvent_t fetched_ = nullptr;
};

}  // namespace

std::string unavailable_reason(int gpu) {
  const Gpus found = find_gpus();
  if (!found.obstacle.empty()) return found.obstacle;
  if (gpu >= found.count)
    return found.count == 1 ? "the only GPU is number 0"
                            : "there are " + std::to_string(found.count) + " GPUs, 0 to " +
                                  std::to_string(found.count - 1);
  const cudaDeviceProp device = properties(gpu);
  if (device.major < kMinMajor)
    return capability(device) + ", is too old: at least " + std::to_string(kMinMajor) + ".0 is needed";
  return "";
}

bool gpu_present() { return find_gpus().present; }

std::string use_gpu(int gpu) {
  if (std::string obstacle = unavailable_reason(gpu); !obstacle.empty()) return obstacle;
  if (const cudaError_t status = cudaSetDevice(gpu); status != cudaSuccess)
    return std::string("CUDA: ") + cudaGetErrorString(status);
  used_gpu = gpu;
  return "";
}

std::string describe() { return capability(properties(used_gpu)); }

kernels::CudaStream stream() {
  make_current();
  static const cudaStream_t only = [] {
    cudaStream_t made = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "creating a stream");
    return made;
  }();
  return only;
}

std::unique_lock<std::recursive_mutex> lock() {
  static auto* const mutex = new std::recursive_mutex;
  make_current();
  return std::unique_lock(*mutex);
}

void* allocate(std::size_t bytes) {
  make_current();
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check_cuda(status, "allocating memory");
  return memory;
}

void release(void* memory) {
  make_current();
  // Fails only after a kernel fault, which is reported elsewhere. This may run in a destructor.
  cudaFree(memory);
}

std::size_t available_memory() {
  make_current();
  std::size_t free = 0, total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "querying the free memory");
  return free;
}

void upload(void* device, const void* host, std::size_t bytes) {
  static Staging* const staging = new Staging;  // never destroyed: static objects may upload
  staging->upload(device, static_cast<const char*>(host), bytes);
}

void download(void* host, const void* device, std::size_t bytes) {
  const auto guard = lock();  // also while waiting: that would invalidate another thread's capture
  check_cuda(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream()), "downloading");
  check_cuda(cudaStreamSynchronize(stream()), "running the kernels");
}

void copy(void* to, const void* from, std::size_t bytes) {
  const auto guard = lock();
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()), "copying");
}

void set_zero(void* device, std::size_t bytes) {
  const auto guard = lock();
  check_cuda(cudaMemsetAsync(device, 0, bytes, stream()), "setting memory to zero");
}

namespace {

struct DestroyEvent {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent>;

/// Records an event on the stream.
Event record_event() {
  cudaEvent_t made = nullptr;
  check_cuda(cudaEventCreate(&made), "creating an event");
  Event event(made);
  check_cuda(cudaEventRecord(made, stream()), "recording an event");
  return event;
}

}  // namespace

double elapsed_seconds(const std::function<void()>& work) {
  const auto guard = lock();
  const Event start = record_event();
  work();
  const Event end = record_event();
  check_cuda(cudaEventSynchronize(end.get()), "running the kernels");
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, start.get(), end.get()), "reading the elapsed time");
  return static_cast<double>(milliseconds) * 1e-3;
}

Graph::Graph(const std::function<void()>& work) {
  const auto guard = lock();
  check_cuda(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "capturing a graph");
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream(), &graph);  // the exception is reported instead
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // the failure of the capture is being thrown already
    throw;
  }
  check_cuda(cudaStreamEndCapture(stream(), &graph), "capturing a graph");
  cudaGraphExec_t instance = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&instance, graph, 0);
  cudaGraphDestroy(graph);
  check_cuda(status, "instantiating a graph");
  instance_ = instance;
}

Graph::~Graph() {
  const auto guard = lock();
  // The last launch may still be running.
  cudaStreamSynchronize(stream());
  cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(instance_));
}

void Graph::launch() {
  const auto guard = lock();
  check_cuda(cudaGraphLaunch(static_cast<cudaGraphExec_t>(instance_), stream()), "launching a graph");
}

}  // namespace sapnet::engine::cuda
