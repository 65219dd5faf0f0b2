// The device context of an operation. Operations are functions in namespace cpu and in namespace cuda,
//
//   operation(context, problem, arguments)
//
// An unqualified call finds the function in the context's namespace (argument-dependent lookup), so code that
// is generic in the context runs on both devices.
//
// An arguments struct lists its pointers once, in arrays(), so that generic code can replace them. An entry
// is a pointer, or an array or struct of pointers.
#pragma once

#include <cstdint>
#include <functional>

struct CUstream_st;

namespace sapnet::kernels {

/// The same as cudaStream_t, for headers that must not include CUDA headers.
using CudaStream = CUstream_st*;

namespace cpu {

struct Context {};

}  // namespace cpu

namespace cuda {

struct Context {
  CudaStream stream = nullptr;  // the operation queues its work on it
  /// Returns device memory for this many floats, at least one, aligned to double. It lives as long as the
  /// queued work.
  std::function<float*(std::int64_t)> workspace = {};
};

}  // namespace cuda
}  // namespace sapnet::kernels
