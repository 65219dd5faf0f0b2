// What operations share: shape checks, output memory, and the choice of a device's implementation.
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

/// Throws Error "OP: NAME has shape (…), not (…)" when the tensor has another shape, or is stored as other
/// numbers, or lies on another device.
void check_tensor(std::string_view op, std::string_view name, const Tensor& tensor, const Shape& shape,
                  DType dtype, Device device);

/// Throws Error "OP: NAME must be at least 1, not 0" when it is less.
void check_at_least(std::string_view op, std::string_view name, std::int64_t value, std::int64_t least);

/// The residual's own memory when no other tensor shares it, else new memory of that shape.
Tensor reuse_or_allocate(const Shape& shape, Device device, DType dtype, const Tensor& overwritable);

/// Throws Error for fp16 on the CPU.
void check_execution(std::string_view op, const Execution& execution);

/// The tape to record an operation of these inputs on; null when there is none or no input is tracked.
template <class... Tensors>
Tape* tape_for(const Tensors&... inputs) {
  Tape* const tape = Tape::current();
  return tape && (inputs.tracked() || ...) ? tape : nullptr;
}

/// Adds to the gradient of an operation's input, which is tracked; or to what was its gradient() where the
/// way back needs no more of it.
void add_gradient(const std::shared_ptr<Tensor>& into, Tensor part);
inline void add_gradient(const Tensor& input, Tensor dinput) {
  add_gradient(input.gradient(), std::move(dinput));
}

/// Null for an empty tensor, as kernels are told that an argument is absent.
template <class T = float>
const T* data_or_null(const Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}
template <class T = float>
T* data_or_null(Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}

/// Memory for a kernel to work in, of so many floats; it may go as soon as the work is queued.
inline Tensor workspace(std::size_t floats, Device device) {
  return Tensor({1, 1, 1, static_cast<std::int64_t>(floats)}, device);
}

/// Runs an operation's implementation for the device: the one place where devices part. on_cuda(stream) is
/// a generic lambda, so that a build without CUDA does not look for the kernels it names.
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
