#include "engine/ops/op.h"

#include <string>

#include "engine/error.h"

namespace sapnet::engine {

void check_shape(std::string_view op, std::string_view name, const Tensor& tensor, const Shape& expected) {
  const std::string what = std::string(op) + ": " + std::string(name);
  if (!tensor) throw Error(what + " is empty, where a tensor of shape " + to_string(expected) + " belongs");
  if (tensor.shape() != expected)
    throw Error(what + " has shape " + to_string(tensor.shape()) + ", not " + to_string(expected));
}

void check_at_least(std::string_view op, std::string_view name, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw Error(std::string(op) + ": " + std::string(name) + " must be at least " + std::to_string(least) +
                ", not " + std::to_string(value));
}

Tensor output_for(const Shape& shape, Device device, DType dtype, const Tensor& overwritable) {
  return overwritable && overwritable.unique() ? overwritable : Tensor(shape, device, dtype);
}

void check_execution(std::string_view op, const Execution& execution) {
  if (execution.device == Device::kCpu && execution.maps != DType::kFloat32)
    throw Error(std::string(op) + ": the CPU computes in fp32 only");
}

void check_dtype(std::string_view op, std::string_view name, const Tensor& tensor, DType expected) {
  if (tensor.dtype() != expected)
    throw Error(std::string(op) + ": " + std::string(name) + " is " + std::string(to_string(tensor.dtype())) +
                ", not " + std::string(to_string(expected)));
}

}  // namespace sapnet::engine
