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

Tensor output_for(const Shape& shape, Device device, const Tensor& overwritable) {
  return overwritable && overwritable.unique() ? overwritable : Tensor(shape, device);
}

void no_kernel(std::string_view op, Device device) {
  throw Error(std::string(op) + " has no implementation for device " + std::string(to_string(device)));
}

}  // namespace sapnet::engine
