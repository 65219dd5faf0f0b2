// Converts CUDA runtime errors to sapnet::Error. Only for files that are built with CUDA.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "kernels/error.h"

namespace sapnet::kernels {

/// Throws Error with the runtime's message unless `status` is success. what: e.g. "launching a kernel".
inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears the error, or the next call reports it again
  throw Error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

}  // namespace sapnet::kernels
