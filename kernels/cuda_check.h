// Calls of the CUDA runtime report their faults as sapnet::Error. Only for files that are built with CUDA.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "kernels/error.h"

namespace sapnet::kernels {

/// Throws Error with what the runtime says, unless `status` is success. what: "launching a kernel", say.
inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next call reports it once more
  throw Error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

}  // namespace sapnet::kernels
