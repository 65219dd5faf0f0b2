// Shared by all operations: shape checks, output memory and device dispatch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/cuda.h"
#include "engine/error.h"
#include "engine/execution.h"
#include "engine/tape.h"
#include "engine/tensor.h"

namespace sapnet::engine {

/// Throws Error "OP: NAME has shape (…), not (…)" if the tensor's shape, dtype or device is not the expected
/// one.
void check_tensor(std::string_view op, std::string_view name, const Tensor& tensor, const Shape& shape,
                  DType dtype, Device device);

/// Throws Error "OP: NAME must be at least 1, not 0" if value < least.
void check_at_least(std::string_view op, std::string_view name, std::int64_t value, std::int64_t least);

/// `overwritable` if no other tensor shares its memory, else a new tensor.
Tensor reuse_or_allocate(const Shape& shape, Device device, DType dtype, const Tensor& overwritable);

/// Throws Error for fp16 on the CPU.
void check_execution(std::string_view op, const Execution& execution);

/// The tape to record an operation with these inputs on; null if there is none or no input is tracked.
template <class... Tensors>
Tape* tape_for(const Tensors&... inputs) {
  Tape* const tape = Tape::current();
  return tape && (inputs.tracked() || ...) ? tape : nullptr;
}

/// Accumulates into the gradient of an operation's input, which must be tracked; or into its gradient(), if
/// the backward pass does not need the input itself.
void add_gradient(const std::shared_ptr<Tensor>& target, Tensor addend);
inline void add_gradient(const Tensor& input, Tensor dinput) {
  add_gradient(input.gradient(), std::move(dinput));
}

/// Null for an empty tensor; kernels take null for an absent argument.
template <class T = float>
const T* data_or_null(const Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}
template <class T = float>
T* data_or_null(Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}

/// Scratch memory for a kernel; may be released as soon as the kernel is queued.
inline Tensor workspace(std::size_t floats, Device device) {
  return Tensor({1, 1, 1, static_cast<std::int64_t>(floats)}, device);
}

/// Runs the implementation for the device; the only place that branches on it. on_cuda(stream) is a generic
/// lambda, so builds without CUDA do not instantiate the CUDA kernels.
template <class Cpu, class Cuda>
void dispatch(Device device, const Cpu& on_cpu, [[maybe_unused]] const Cuda& on_cuda) {
  if (device == Device::kCpu) {
    on_cpu();
    return;
  }
#ifdef SAPNET_CUDA
  const auto guard = cuda::lock();
  on_cuda(cuda::stream());
#else
  throw Error("device cuda cannot be used: " + cuda::unavailable_reason());
#endif
}

}  // namespace sapnet::engine
