// The emulated runtime: queued work is lazy, and what CUDA rejects is rejected.
#include <cmath>
#include <cstring>
#include <string>
#include <thread>

#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"
#include "tests/cuda_emulator/samples/samples.h"

namespace sapnet::tests {
namespace {

using Catch::Contains;
using cuda_emulator::Device;
using samples::kThreads;

constexpr std::size_t kBytes = kThreads * sizeof(float);

class Stream {
 public:
  explicit Stream(unsigned flags = cudaStreamNonBlocking) { ok(cudaStreamCreateWithFlags(&stream_, flags)); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  explicit Event(unsigned flags = cudaEventDefault) { ok(cudaEventCreateWithFlags(&event_, flags)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Page-locked floats.
class Pinned {
 public:
  Pinned() { ok(cudaMallocHost(&data_, kBytes)); }
  ~Pinned() { cudaFreeHost(data_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  float* get() const { return data_; }
  float& operator[](std::size_t i) const { return data_[i]; }

 private:
  float* data_ = nullptr;
};

TEST_CASE("results are absent before something waits for them", "[cuda_emulator]") {
  const Stream stream;
  const DeviceArray<float> device(kThreads);
  const Pinned host;
  const auto start = [&](float value) {
    samples::fill(device.get(), value, stream);
    ok(cudaMemcpyAsync(host.get(), device.get(), kBytes, cudaMemcpyDeviceToHost, stream));
  };
  start(1);
  CHECK(std::isnan(host[0]));
  ok(cudaStreamSynchronize(stream));
  CHECK(host[0] == 1);

  const Event event;
  start(2);
  ok(cudaEventRecord(event, stream));
  start(3);
  CHECK(host[0] == 1);
  ok(cudaEventSynchronize(event));
  CHECK(host[0] == 2);  // and no further
  ok(cudaDeviceSynchronize());
  CHECK(host[0] == 3);

  start(4);
  int queries = 0;
  while (cudaStreamQuery(stream) == cudaErrorNotReady) ++queries;
  CHECK(queries == 2);
  CHECK(host[0] == 4);

  // A copy to pageable memory is synchronous.
  float pageable = 0;
  samples::fill(device.get(), 5, stream);
  ok(cudaMemcpyAsync(&pageable, device.get(), sizeof pageable, cudaMemcpyDeviceToHost, stream));
  CHECK(pageable == 5);
}

TEST_CASE("pinned memory is read lazily, pageable memory immediately", "[cuda_emulator]") {
  const Stream stream;
  const DeviceArray<float> device(2);
  const Pinned pinned;
  float pageable = 1;
  pinned[0] = 1;
  ok(cudaMemcpyAsync(device.get(), pinned.get(), sizeof(float), cudaMemcpyHostToDevice, stream));
  ok(cudaMemcpyAsync(device.get() + 1, &pageable, sizeof(float), cudaMemcpyHostToDevice, stream));
  pinned[0] = pageable = 2;
  ok(cudaStreamSynchronize(stream));
  CHECK(device.read() == std::vector<float>{2, 1});
}

TEST_CASE("only events and the default stream order streams", "[cuda_emulator]") {
  const DeviceArray<float> device(kThreads);
  const Pinned host;
  const auto copy_on = [&](cudaStream_t stream) {
    ok(cudaMemcpyAsync(host.get(), device.get(), kBytes, cudaMemcpyDeviceToHost, stream));
    ok(cudaStreamSynchronize(stream));
    return host[0];
  };
  {
    const Stream first, second;
    samples::fill(device.get(), 1, first);
    CHECK(std::isnan(copy_on(second)));
    CHECK(std::isnan(copy_on(nullptr)));
    const Event event;
    ok(cudaEventRecord(event, first));
    ok(cudaStreamWaitEvent(second, event));
    CHECK(copy_on(second) == 1);
  }
  {
    const Stream first(cudaStreamDefault), second(cudaStreamDefault);
    samples::fill(device.get(), 2, first);
    CHECK(copy_on(second) == 1);
    samples::fill(device.get(), 3, nullptr);
    CHECK(copy_on(second) == 3);
    samples::fill(device.get(), 4, second);
    CHECK(copy_on(nullptr) == 4);
  }
  {
    cudaStream_t left = nullptr;
    ok(cudaStreamCreateWithFlags(&left, cudaStreamNonBlocking));
    samples::fill(device.get(), 5, left);
    ok(cudaStreamDestroy(left));
    CHECK(copy_on(nullptr) == 4);
    CHECK(cudaStreamSynchronize(left) == cudaErrorInvalidResourceHandle);
    ok(cudaDeviceSynchronize());
    CHECK(copy_on(nullptr) == 5);
  }
}

TEST_CASE("events measure time", "[cuda_emulator]") {
  const Stream stream;
  const Event start, end, timeless(cudaEventDisableTiming);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaErrorInvalidResourceHandle);
  ok(cudaEventSynchronize(start));  // never recorded: nothing to wait for
  ok(cudaEventRecord(start, stream));
  ok(cudaEventRecord(end, stream));
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaErrorNotReady);
  CHECK(cudaEventQuery(end) == cudaErrorNotReady);
  CHECK(cudaEventQuery(end) == cudaErrorNotReady);
  CHECK(cudaEventQuery(end) == cudaSuccess);
  ok(cudaEventElapsedTime(&milliseconds, start, end));
  CHECK(milliseconds >= 0);
  ok(cudaEventRecord(timeless, stream));
  CHECK(cudaEventElapsedTime(&milliseconds, start, timeless) == cudaErrorInvalidResourceHandle);
  ok(cudaStreamSynchronize(stream));
}

TEST_CASE("a graph records queued work and runs it when launched", "[cuda_emulator]") {
  const Stream stream;
  const Pinned host;
  const DeviceArray<float> device(std::vector<float>(kThreads, 0.0F)), sum(1);
  const auto before = cuda_emulator::live();
  ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaErrorIllegalState);
  ok(cudaMemcpyAsync(device.get(), host.get(), kBytes, cudaMemcpyHostToDevice, stream));
  samples::block_sums(device.get(), sum.get(), 1, stream);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  ok(cudaStreamIsCapturing(stream, &status));
  CHECK(status == cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  ok(cudaStreamEndCapture(stream, &graph));
  ok(cudaStreamIsCapturing(stream, &status));
  CHECK(status == cudaStreamCaptureStatusNone);
  cudaGraphExec_t executable = nullptr;
  ok(cudaGraphInstantiate(&executable, graph, 0));
  ok(cudaGraphDestroy(graph));
  CHECK(cudaGraphDestroy(graph) == cudaErrorInvalidValue);

  for (const float value : {1.0F, 2.0F}) {
    for (std::size_t i = 0; i < kThreads; ++i) host[i] = value;
    ok(cudaGraphLaunch(executable, stream));
    ok(cudaStreamSynchronize(stream));
    CHECK(sum.read()[0] == value * kThreads);
  }
  ok(cudaGraphLaunch(executable, stream));
  ok(cudaGraphExecDestroy(executable));  // its last launch may still be pending
  ok(cudaStreamSynchronize(stream));
  CHECK(cuda_emulator::live().graphs == before.graphs);
}

TEST_CASE("work that cannot be captured invalidates the capture", "[cuda_emulator]") {
  const Stream stream;
  const Event event, outside;
  ok(cudaEventRecord(outside, nullptr));
  void* memory = nullptr;
  float value = 0;
  const DeviceArray<float> device(1);

  struct Case {
    std::function<cudaError_t()> call;
    cudaError_t error;
  };
  const std::vector<Case> cases = {
      {[&] { return cudaMalloc(&memory, 4); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaFree(device.get()); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaMallocHost(&memory, 4); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaStreamSynchronize(stream); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaStreamQuery(stream); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaDeviceSynchronize(); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaEventQuery(outside); }, cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaMemcpy(device.get(), &value, 4, cudaMemcpyHostToDevice); },
       cudaErrorStreamCaptureUnsupported},
      {[&] { return cudaStreamWaitEvent(stream, outside); }, cudaErrorStreamCaptureIsolation},
  };
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      INFO("case " << i);
      ok(cudaStreamBeginCapture(stream, mode));
      CHECK(cases[i].call() == cases[i].error);
      CHECK(cudaMemsetAsync(device.get(), 0, 4, stream) == cudaErrorStreamCaptureInvalidated);
      cudaGraph_t graph = nullptr;
      CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
      CHECK(graph == nullptr);
      CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorIllegalState);
    }
  }
  ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK(cudaMalloc(&memory, 4) == cudaErrorStreamCaptureUnsupported);
  CHECK_THAT(cudaGetErrorString(cudaErrorStreamCaptureUnsupported),
             Contains("cudaMalloc is not permitted while a stream is captured"));
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(stream, &graph);

  // An event recorded in a capture cannot be waited for outside it; whether other threads are restricted
  // depends on the mode.
  ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  ok(cudaEventRecord(event, stream));
  CHECK(cudaEventSynchronize(event) == cudaErrorCapturedEvent);
  std::thread([&] {
    ok(cudaMalloc(&memory, 4));
    ok(cudaFree(memory));
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureWrongThread);
  }).join();
  ok(cudaStreamEndCapture(stream, &graph));
  ok(cudaGraphDestroy(graph));
  ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  ok(cudaMalloc(&memory, 4));
  ok(cudaStreamEndCapture(stream, &graph));
  ok(cudaGraphDestroy(graph));
  ok(cudaFree(memory));

  CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
  const Stream blocking(cudaStreamDefault);
  ok(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeGlobal));
  CHECK(cudaMemsetAsync(device.get(), 0, 4, nullptr) == cudaErrorStreamCaptureImplicit);
  CHECK(cudaStreamEndCapture(blocking, &graph) == cudaErrorStreamCaptureInvalidated);
}

TEST_CASE("new memory is NaN, counted, and released once", "[cuda_emulator]") {
  const Restored restored;
  const auto before = cuda_emulator::live();
  std::size_t free_before = 0, free = 0, total = 0;
  ok(cudaMemGetInfo(&free_before, &total));
  float* memory = nullptr;
  ok(cudaMalloc(&memory, 1000));
  ok(cudaMemGetInfo(&free, &total));
  CHECK(free_before - free == 1000);
  CHECK(reinterpret_cast<std::uintptr_t>(memory) % 256 == 0);
  CHECK(cuda_emulator::live().device_blocks == before.device_blocks + 1);
  float value = 0;
  ok(cudaMemcpy(&value, memory, sizeof value, cudaMemcpyDeviceToHost));
  CHECK(std::isnan(value));
  CHECK(cudaFreeHost(memory) == cudaErrorInvalidValue);
  CHECK(cudaFree(memory + 1) == cudaErrorInvalidValue);
  ok(cudaFree(memory));
  CHECK(cudaFree(memory) == cudaErrorInvalidValue);
  CHECK_THAT(cudaGetErrorString(cudaErrorInvalidValue), Contains("released before"));
  ok(cudaFree(nullptr));

  const Stream stream;
  ok(cudaMallocAsync(&memory, 1000, stream));
  ok(cudaFreeAsync(memory, stream));
  CHECK(cudaFreeAsync(memory, stream) == cudaErrorInvalidValue);
  CHECK(cuda_emulator::live().device_blocks == before.device_blocks + 1);
  ok(cudaStreamSynchronize(stream));
  CHECK(cuda_emulator::live().device_blocks == before.device_blocks);

  Device small;
  small.memory_bytes = (total - free_before) + 1000;
  cuda_emulator::set_device(small);
  CHECK(cudaMalloc(&memory, 1001) == cudaErrorMemoryAllocation);
  CHECK(std::string(cudaGetErrorString(cudaErrorMemoryAllocation)) == "out of memory");
  ok(cudaMalloc(&memory, 1000));
  ok(cudaFree(memory));
}

TEST_CASE("copies stay within their blocks and match their direction", "[cuda_emulator]") {
  const DeviceArray<float> device(4);
  std::vector<float> host(4);
  const auto copied = [&](void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    const cudaError_t error = cudaMemcpy(to, from, bytes, kind);
    return error ? cudaGetErrorString(error) : "copied";
  };
  CHECK_THAT(copied(device.get() + 1, host.data(), 16, cudaMemcpyHostToDevice),
             Contains("a copy of 16 bytes at byte 4 of a block of 16 bytes"));
  CHECK_THAT(copied(host.data(), device.get() + 4, 4, cudaMemcpyDeviceToHost),
             Contains("at byte 16 of a block"));
  CHECK_THAT(copied(host.data(), host.data(), 4, cudaMemcpyDeviceToHost),
             Contains("the source of a copy is memory of the host"));
  CHECK_THAT(copied(device.get(), device.get(), 4, cudaMemcpyDeviceToHost),
             Contains("the destination of a copy is memory of the device"));
  CHECK(cudaMemset(host.data(), 0, 4) == cudaErrorInvalidValue);
  CHECK(cudaMemset(device.get(), 0, 17) == cudaErrorInvalidValue);
  host = {1, 2, 3, 4};
  CHECK(copied(device.get(), host.data(), 16, cudaMemcpyDefault) == std::string("copied"));
  CHECK(copied(device.get() + 2, device.get(), 8, cudaMemcpyDeviceToDevice) == std::string("copied"));
  ok(cudaMemset(device.get() + 1, 0, 4));
  CHECK(device.read() == std::vector<float>{1, 0, 1, 2});
}

TEST_CASE("the device can be absent or too old", "[cuda_emulator]") {
  const Restored restored;
  Device device;
  int count = -1;
  ok(cudaGetDeviceCount(&count));
  CHECK(count == 1);
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  ok(cudaGetDeviceProperties(&properties, 0));
  CHECK(std::string(properties.name) == "emulated GPU");
  CHECK(properties.major == 9);
  int value = 0;
  ok(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  CHECK(value == 99 * 1024);

  void* memory = nullptr;
  device.gpus = 0;
  cuda_emulator::set_device(device);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  CHECK(count == 0);
  CHECK(cudaMalloc(&memory, 1) == cudaErrorNoDevice);
  device.driver_version = 12040;
  cuda_emulator::set_device(device);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
  CHECK(std::string(cudaGetErrorName(cudaGetLastError())) == "cudaErrorInsufficientDriver");
}

TEST_CASE("each thread has a current device, on which its kernels run", "[cuda_emulator]") {
  const Restored restored;
  cuda_emulator::set_device({.gpus = 2});
  const DeviceArray<float> numbers(kThreads);
  const Stream stream;
  int current = -1;
  ok(cudaSetDevice(1));
  ok(cudaGetDevice(&current));
  CHECK(current == 1);
  cudaDeviceProp properties;
  ok(cudaGetDeviceProperties(&properties, 1));
  CHECK(std::string(properties.name) == "emulated GPU 1");
  CHECK_THROWS_WITH(samples::fill(numbers.get(), 1, stream), Contains("a stream of another GPU"));
  CHECK_THROWS_WITH(samples::fill(numbers.get(), 1, nullptr), Contains("memory of another GPU"));
  std::thread([&] { ok(cudaGetDevice(&current)); }).join();
  CHECK(current == 0);
  ok(cudaSetDevice(0));
  CHECK_NOTHROW(samples::fill(numbers.get(), 1, stream));
}

TEST_CASE("prints what the environment chose", "[.cuda_emulator_environment]") {
  const auto schedule = cuda_emulator::schedule();
  std::printf("order %d, seed %d, resident %d, workers %d, gpus %d, driver %d, major %d\n",
              static_cast<int>(schedule.order), static_cast<int>(schedule.seed), schedule.resident_blocks,
              schedule.workers, cuda_emulator::device().gpus, cuda_emulator::device().driver_version,
              cuda_emulator::device().major);
}

TEST_CASE("the environment sets schedule and device", "[cuda_emulator]") {
  const auto printed = [](const std::string& environment) {
    return run_again("[.cuda_emulator_environment]", environment).output;
  };
  CHECK_THAT(printed(""), Contains("order 0, seed 1, resident 1, workers 0, gpus 1, driver 13000, major 9"));
  CHECK_THAT(printed("SAPNET_EMULATOR_SCHEDULE=reverse SAPNET_EMULATOR_RESIDENT=3 SAPNET_EMULATOR_WORKERS=2"),
             Contains("order 1, seed 1, resident 3, workers 2"));
  CHECK_THAT(printed("SAPNET_EMULATOR_SCHEDULE=random:12 SAPNET_EMULATOR_DEVICE=none"),
             Contains("order 2, seed 12, resident 1, workers 0, gpus 0"));
  CHECK_THAT(printed("SAPNET_EMULATOR_DEVICE=driver"), Contains("driver 12040, major 9"));
  CHECK_THAT(printed("SAPNET_EMULATOR_DEVICE=old"), Contains("driver 13000, major 7"));
  CHECK_THAT(printed("SAPNET_EMULATOR_DEVICE=two"), Contains("gpus 2"));
  CHECK_THAT(printed("SAPNET_EMULATOR_SCHEDULE=sideways"),
             Contains("SAPNET_EMULATOR_SCHEDULE is \"sideways\"; it can be forward"));
  CHECK_THAT(printed("SAPNET_EMULATOR_WORKERS=0"), Contains("it can be a number from 1"));
}

}  // namespace
}  // namespace sapnet::tests
