// What operations share: shape checks, output memory, and the choice of a device's implementation.
#pragma once

#include <string_view>

#include "engine/tensor.h"

namespace sapnet::engine {

/// Throws Error "OP: NAME has shape (…), not (…)" when they differ.
void check_shape(std::string_view op, std::string_view name, const Tensor& tensor, const Shape& expected);

/// The residual's own memory when no other tensor shares it, else new memory of that shape.
Tensor output_for(const Shape& shape, Device device, const Tensor& overwritable);

[[noreturn]] void no_kernel(std::string_view op, Device device);

/// Runs an operation's implementation for the device: the one place where devices part.
template <class Cpu>
void dispatch(std::string_view op, Device device, const Cpu& cpu) {
  if (device != Device::kCpu) no_kernel(op, device);
  cpu();
}

}  // namespace sapnet::engine
