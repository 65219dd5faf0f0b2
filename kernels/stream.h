// CUDA's stream, for headers that must not need CUDA's.
#pragma once

struct CUstream_st;

namespace sapnet::kernels {

/// The same as cudaStream_t.
using CudaStream = CUstream_st*;

}  // namespace sapnet::kernels
