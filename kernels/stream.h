// The CUDA stream type, for headers that must not include CUDA's.
#pragma once

struct CUstream_st;

namespace sapnet::kernels {

/// The same as cudaStream_t.
using CudaStream = CUstream_st*;

}  // namespace sapnet::kernels
