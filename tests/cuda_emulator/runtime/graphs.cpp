// Captures and graphs: lists of work that is recorded instead of queued, and then queued as a whole.
#include "tests/cuda_emulator/runtime/runtime.h"

using namespace sapnet::cuda_emulator;

namespace {

template <class Map, class Key, class Body>
cudaError_t with_graph(const Map& graphs, Key handle, const Body& body) {
  const auto found = graphs.find(handle);
  if (found == graphs.end())
    return failed(cudaErrorInvalidValue, "a graph that was never made, or is destroyed");
  return body(found->second);
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return failed(cudaErrorInvalidResourceHandle);
    if (!handle) return failed(cudaErrorStreamCaptureUnsupported, "the default stream cannot be captured");
    if (stream->capture) return failed(cudaErrorIllegalState, "the stream is being captured already");
    stream->capture = std::make_shared<Capture>();
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return call([&] {
    *graph = nullptr;
    const auto stream = find_stream(handle);
    if (!stream) return failed(cudaErrorInvalidResourceHandle);
    if (!stream->capture) return failed(cudaErrorIllegalState, "the stream is not being captured");
    if (stream->capture->mode != cudaStreamCaptureModeRelaxed &&
        stream->capture->thread != std::this_thread::get_id())
      return failed(cudaErrorStreamCaptureWrongThread);
    const auto capture = std::move(stream->capture);
    stream->capture = nullptr;
    if (capture->invalidated) return failed(cudaErrorStreamCaptureInvalidated);
    auto made = std::make_shared<const Graph>(std::move(capture->works));
    *graph = reinterpret_cast<cudaGraph_t>(const_cast<Graph*>(made.get()));
    runtime().graphs.emplace(made.get(), std::move(made));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return failed(cudaErrorInvalidResourceHandle);
    *status = !stream->capture               ? cudaStreamCaptureStatusNone
              : stream->capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                             : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t handle,
                                 unsigned long long /*flags*/) {
  return call([&] {
    return with_graph(runtime().graphs, handle, [&](const std::shared_ptr<const Graph>& graph) {
      auto copy = std::make_shared<const Graph>(*graph);
      *executable = reinterpret_cast<cudaGraphExec_t>(const_cast<Graph*>(copy.get()));
      runtime().executables.emplace(copy.get(), std::move(copy));
      return cudaSuccess;
    });
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream) {
  return call([&] {
    return with_graph(runtime().executables, handle, [&](const std::shared_ptr<const Graph>& graph) {
      return queue(stream, [graph] {
        for (const Work& work : *graph)
          if (const cudaError_t error = work()) return error;
        return cudaSuccess;
      });
    });
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle) {
  return call([&] {
    return runtime().graphs.erase(handle) ? cudaSuccess
                                          : failed(cudaErrorInvalidValue, "a graph destroyed twice");
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t handle) {
  return call([&] {
    return runtime().executables.erase(handle) ? cudaSuccess
                                               : failed(cudaErrorInvalidValue, "a graph destroyed twice");
  });
}
