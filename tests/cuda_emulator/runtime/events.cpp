#include <chrono>

#include "tests/cuda_emulator/runtime/runtime.h"

using namespace sapnet::cuda_emulator;

namespace {

template <class Body>
cudaError_t with_event(cudaEvent_t handle, const Body& body) {
  return call([&]() -> cudaError_t {
    const auto found = runtime().events.find(handle);
    if (found == runtime().events.end())
      return failed(cudaErrorInvalidResourceHandle, "an event that was never created, or is destroyed");
    return body(*found->second);
  });
}

/// For calls that wait for an event.
cudaError_t refuse_captured(const Event& event, const char* name) {
  if (event.capture) return failed(cudaErrorCapturedEvent);
  return forbid_in_capture(name);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned flags) {
  return call([&] {
    auto event = std::make_shared<Event>();
    event->timed = (flags & cudaEventDisableTiming) == 0;
    *handle = reinterpret_cast<cudaEvent_t>(event.get());
    runtime().events.emplace(event.get(), std::move(event));
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return with_event(handle, [&](const Event& /*event*/) {
    runtime().events.erase(handle);
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  return with_event(handle, [&](Event& event) -> cudaError_t {
    const auto stream = find_stream(stream_handle);
    if (stream && stream->capture) {
      event.capture = stream->capture;
      event.record = nullptr;
      return cudaSuccess;
    }
    auto record = std::make_shared<Event::Record>();
    const auto stamp = [record] {
      record->seconds = now();
      record->done = true;
      return cudaSuccess;
    };
    if (const cudaError_t error = queue(stream_handle, stamp)) return error;
    record->point = {stream, stream->queued};
    event.record = record;
    event.capture = nullptr;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned /*flags*/) {
  return with_event(handle, [&](const Event& event) -> cudaError_t {
    const auto stream = find_stream(stream_handle);
    if (!stream) return failed(cudaErrorInvalidResourceHandle);
    if (stream->capture) {
      // Captured work runs in capture order, so the event is already satisfied.
      if (stream->capture == event.capture || (!event.record && !event.capture)) return cudaSuccess;
      stream->capture->invalidated = true;
      return failed(cudaErrorStreamCaptureIsolation);
    }
    if (event.capture)
      return failed(cudaErrorNotSupported,
                    "the emulator captures one stream, and another is to wait for an event of it");
    if (!event.record) return cudaSuccess;
    return queue(stream_handle, [] { return cudaSuccess; }, {event.record->point});
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return with_event(handle, [](const Event& event) -> cudaError_t {
    if (const cudaError_t error = refuse_captured(event, "cudaEventSynchronize")) return error;
    return event.record ? run_until(event.record->point.stream, event.record->point.count) : cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return with_event(handle, [](const Event& event) -> cudaError_t {
    if (const cudaError_t error = refuse_captured(event, "cudaEventQuery")) return error;
    if (!event.record || event.record->done) return cudaSuccess;
    const auto& stream = event.record->point.stream;
    const cudaError_t error = run_until(stream, stream->done + 1);
    return error ? error : failed(cudaErrorNotReady);
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return with_event(start, [&](const Event& first) {
    return with_event(end, [&](const Event& last) -> cudaError_t {
      if (!first.timed || !last.timed || !first.record || !last.record)
        return failed(cudaErrorInvalidResourceHandle,
                      "time between events that were not recorded, or without time");
      if (!first.record->done || !last.record->done) return failed(cudaErrorNotReady);
      *milliseconds = static_cast<float>((last.record->seconds - first.record->seconds) * 1e3);
      return cudaSuccess;
    });
  });
}
