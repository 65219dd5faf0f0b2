// Shared by all operations: shape checks, output memory and device dispatch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/cuda.h"
#include "engine/error.h"
#include "engine/execution.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "kernels/context.h"

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

/// Accumulates into the gradient of a tracked input. A backward function that does not need the input's
/// values captures only input.gradient(), so that the input's memory can be released.
void add_gradient(const std::shared_ptr<Tensor>& target, Tensor addend);
inline void add_gradient(const Tensor& input, Tensor dinput) {
  add_gradient(input.gradient(), std::move(dinput));
}

/// If there is a tape, tracks the output of an operation and records its backward function.
/// backward(gradient) gets the output's gradient; it is not called if the loss does not depend on the output.
template <class Backward>
void record_backward(Tape* tape, Tensor& output, Backward backward) {
  if (!tape) return;
  output.track();
  tape->record([output, backward = std::move(backward)] {
    if (Tensor gradient = take_gradient(output)) backward(std::move(gradient));
  });
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
inline Tensor workspace(std::int64_t floats, Device device) { return Tensor({1, 1, 1, floats}, device); }

/// Runs on_cpu(context) or on_cuda(context), with the context of the device's kernels (kernels/context.h).
/// Both are generic lambdas, so builds without CUDA do not instantiate the CUDA kernels.
template <class Cpu, class Cuda>
void dispatch(Device device, const Cpu& on_cpu, [[maybe_unused]] const Cuda& on_cuda) {
  if (device == Device::kCpu) return on_cpu(kernels::cpu::Context());
#ifdef SAPNET_CUDA
  const auto guard = cuda::lock();
  std::vector<Tensor> workspaces;  // released once the kernels that use them are queued
  on_cuda(kernels::cuda::Context{cuda::stream(), [&](std::int64_t floats) {
                                   workspaces.push_back(workspace(floats, device));
                                   return workspaces.back().data();
                                 }});
#else
  throw Error("device cuda cannot be used: " + cuda::unavailable_reason());
#endif
}

/// Runs body(context) on the device; body calls an operation that both devices have.
template <class Body>
void launch(Device device, const Body& body) {
  dispatch(device, body, body);
}

/// Runs body(context, T()), T the type of the maps; always float on the CPU.
template <class Body>
void launch(Device device, DType maps, const Body& body) {
  dispatch(
      device, [&](const auto& context) { body(context, float()); },
      [&](const auto& context) { visit_dtype(maps, [&](auto t) { body(context, t); }); });
}

/// Runs body(context, In(), Out()), for maps of two types.
template <class Body>
void launch(Device device, DType in, DType out, const Body& body) {
  dispatch(
      device, [&](const auto& context) { body(context, float(), float()); },
      [&](const auto& context) {
        visit_dtype(in, [&](auto from) { visit_dtype(out, [&](auto to) { body(context, from, to); }); });
      });
}

}  // namespace sapnet::engine
