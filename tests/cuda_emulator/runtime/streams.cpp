// Streams: queues that run only when something waits for them.
#include "tests/cuda_emulator/runtime/runtime.h"

namespace sapnet::cuda_emulator {

std::shared_ptr<Stream> find_stream(cudaStream_t stream) {
  if (!stream) return runtime().default_stream;
  const auto found = runtime().streams.find(stream);
  return found == runtime().streams.end() || found->second->destroyed ? nullptr : found->second;
}

bool capturing(cudaStream_t stream) {
  const auto found = find_stream(stream);
  return found && found->capture;
}

cudaError_t forbid_in_capture(const char* call) {
  bool forbidden = false;
  for (const auto& [handle, stream] : runtime().streams) {
    Capture* const capture = stream->capture.get();
    if (!capture || capture->mode == cudaStreamCaptureModeRelaxed) continue;
    if (capture->mode == cudaStreamCaptureModeThreadLocal && capture->thread != std::this_thread::get_id())
      continue;
    capture->invalidated = forbidden = true;
  }
  if (!forbidden) return cudaSuccess;
  return failed(
      cudaErrorStreamCaptureUnsupported,
      std::string(call) + " is not permitted while a stream is captured, and has invalidated the capture");
}

namespace {

/// The default stream waits for blocking streams, and they wait for it.
cudaError_t order_by_default_stream(const Stream& stream, std::vector<Point>& after) {
  const auto& first = runtime().default_stream;
  if (&stream != first.get()) {
    if (stream.blocking) after.push_back({first, first->queued});
    return cudaSuccess;
  }
  bool implicit = false;
  for (const auto& [handle, other] : runtime().streams) {
    if (!other->blocking) continue;
    if (other->capture) other->capture->invalidated = implicit = true;
    after.push_back({other, other->queued});
  }
  if (!implicit) return cudaSuccess;
  return failed(cudaErrorStreamCaptureImplicit,
                "the default stream was used while a stream is captured that takes turns with it");
}

void drop_everything() {
  const auto drop = [](Stream& stream) {
    stream.tasks.clear();
    stream.done = stream.queued;
  };
  drop(*runtime().default_stream);
  for (const auto& [handle, stream] : runtime().streams) drop(*stream);
}

}  // namespace

cudaError_t queue(cudaStream_t handle, Work work, std::vector<Point> after) {
  const auto stream = find_stream(handle);
  if (!stream)
    return failed(cudaErrorInvalidResourceHandle, "a stream that was never created, or is destroyed");
  if (stream->capture) {
    if (stream->capture->invalidated) return failed(cudaErrorStreamCaptureInvalidated);
    stream->capture->works.push_back(std::move(work));
    return cudaSuccess;
  }
  if (const cudaError_t error = order_by_default_stream(*stream, after)) return error;
  stream->tasks.push_back({std::move(work), std::move(after)});
  ++stream->queued;
  return cudaSuccess;
}

cudaError_t run_until(const std::shared_ptr<Stream>& stream, std::uint64_t count) {
  if (stream->done >= count) return cudaSuccess;
  const DeviceRuns device_runs;
  while (stream->done < count) {
    const Task task = std::move(stream->tasks.front());
    stream->tasks.pop_front();
    for (const Point& point : task.after)
      if (const cudaError_t error = run_until(point.stream, point.count)) return error;
    if (const cudaError_t error = task.work()) {
      drop_everything();
      return error;
    }
    ++stream->done;
  }
  return cudaSuccess;
}

cudaError_t run_all() {
  const auto streams = runtime().streams;  // a copy, because destroyed streams are removed on the way
  for (const auto& [handle, stream] : streams) {
    if (const cudaError_t error = run_until(stream, stream->queued)) return error;
    if (stream->destroyed) runtime().streams.erase(handle);
  }
  const auto& first = runtime().default_stream;
  return run_until(first, first->queued);
}

}  // namespace sapnet::cuda_emulator

using namespace sapnet::cuda_emulator;

namespace {

/// For calls that wait for a stream: it must be valid and not capturing.
template <class Body>
cudaError_t with_idle_stream(cudaStream_t handle, const char* name, const Body& body) {
  return call([&]() -> cudaError_t {
    const auto stream = find_stream(handle);
    if (!stream) return failed(cudaErrorInvalidResourceHandle);
    if (!stream->capture) return body(stream);
    stream->capture->invalidated = true;
    return failed(cudaErrorStreamCaptureUnsupported,
                  std::string(name) +
                      " of a stream that is captured is not permitted, and has invalidated the capture");
  });
}

}  // namespace

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
  return call([&] {
    auto stream = std::make_shared<Stream>();
    stream->device = current_device;
    stream->blocking = flags != cudaStreamNonBlocking;
    *handle = reinterpret_cast<cudaStream_t>(stream.get());
    runtime().streams.emplace(stream.get(), std::move(stream));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return with_idle_stream(handle, "cudaStreamDestroy", [&](const auto& stream) {
    if (!handle) return failed(cudaErrorInvalidResourceHandle);
    // Work still queued will run, but only cudaDeviceSynchronize can wait for it.
    stream->destroyed = true;
    if (stream->tasks.empty()) runtime().streams.erase(handle);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return with_idle_stream(handle, "cudaStreamSynchronize",
                          [](const auto& stream) { return run_until(stream, stream->queued); });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return with_idle_stream(handle, "cudaStreamQuery", [](const auto& stream) {
    if (stream->tasks.empty()) return cudaSuccess;
    const cudaError_t error = run_until(stream, stream->done + 1);
    return error ? error : failed(cudaErrorNotReady);
  });
}
