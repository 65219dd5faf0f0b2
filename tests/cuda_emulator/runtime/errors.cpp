#include "tests/cuda_emulator/runtime/runtime.h"

namespace sapnet::cuda_emulator {
namespace {

struct Failures {
  cudaError_t last = cudaSuccess;       // not yet returned by cudaGetLastError
  cudaError_t described = cudaSuccess;  // the error that `sentence` describes
  std::string sentence;
};
thread_local Failures failures;

struct Meaning {
  cudaError_t error;
  const char *name, *text;
};

#define SAPNET_ERROR(name, text) \
  { name, #name, text }
constexpr Meaning kMeanings[] = {
    SAPNET_ERROR(cudaSuccess, "no error"),
    SAPNET_ERROR(cudaErrorInvalidValue, "invalid argument"),
    SAPNET_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    SAPNET_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    SAPNET_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    SAPNET_ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    SAPNET_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    SAPNET_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    SAPNET_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    SAPNET_ERROR(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    SAPNET_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    SAPNET_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    SAPNET_ERROR(cudaErrorNotReady, "device not ready"),
    SAPNET_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    SAPNET_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    SAPNET_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    SAPNET_ERROR(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch"),
    SAPNET_ERROR(cudaErrorNotSupported, "operation not supported"),
    SAPNET_ERROR(cudaErrorSystemNotReady, "system not yet initialized"),
    SAPNET_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    SAPNET_ERROR(cudaErrorStreamCaptureInvalidated,
                 "operation failed due to a previous error during capture"),
    SAPNET_ERROR(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began"),
    SAPNET_ERROR(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream"),
    SAPNET_ERROR(cudaErrorStreamCaptureImplicit,
                 "operation would make the legacy stream depend on a capturing blocking stream"),
    SAPNET_ERROR(cudaErrorCapturedEvent,
                 "operation not permitted on an event last recorded in a capturing stream"),
    SAPNET_ERROR(cudaErrorStreamCaptureWrongThread,
                 "attempt to terminate a thread-local capture sequence from another thread"),
};
#undef SAPNET_ERROR

const Meaning* find(cudaError_t error) {
  for (const Meaning& meaning : kMeanings)
    if (meaning.error == error) return &meaning;
  return nullptr;
}

}  // namespace

cudaError_t failed(cudaError_t error, const std::string& sentence) {
  failures.last = failures.described = error;
  failures.sentence = sentence;
  return error;
}

}  // namespace sapnet::cuda_emulator

using namespace sapnet::cuda_emulator;

cudaError_t cudaGetLastError() {
  const cudaError_t error = failures.last;
  failures.last = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return failures.last; }

const char* cudaGetErrorName(cudaError_t error) {
  const Meaning* const meaning = find(error);
  return meaning ? meaning->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error == failures.described && !failures.sentence.empty()) return failures.sentence.c_str();
  const Meaning* const meaning = find(error);
  return meaning ? meaning->text : "unrecognized error code";
}
