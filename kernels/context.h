// What an operation runs on. Every operation is a function in namespace cpu and one in namespace cuda,
//
//   operation(context, problem, arguments)
//
// A call without a namespace finds the one of the context's namespace (argument-dependent lookup), so code
// that is generic in the context runs on both.
//
// An arguments struct lists its arrays once. A::for_each_array(context, problem, visit, a...) calls
// visit(size, a.array...) for each, with its number of elements; several structs, such as one of host and one
// of device pointers, are visited side by side.
#pragma once

#include <cstddef>
#include <functional>

struct CUstream_st;

namespace sapnet::kernels {

/// The same as cudaStream_t, for headers that must not include CUDA's.
using CudaStream = CUstream_st*;

namespace cpu {

struct Context {};

}  // namespace cpu

namespace cuda {

struct Context {
  CudaStream stream = nullptr;  // that the operation's work is queued on
  /// Returns device memory for this many floats, aligned to double, that lives as long as the queued work.
  std::function<float*(std::size_t)> workspace = {};
};

}  // namespace cuda
}  // namespace sapnet::kernels
