#include "engine/ops/op.h"

#include <string>

#include "engine/error.h"
#include "kernels/add/add.h"

namespace sapnet::engine {

void check_tensor(std::string_view op, std::string_view name, const Tensor& tensor, const Shape& shape,
                  DType dtype, Device device) {
  const std::string what = std::string(op) + ": " + std::string(name);
  const auto differs = [&](const std::string& verb, const auto& found, const auto& expected) {
    throw Error(what + verb + std::string(to_string(found)) + ", not " + std::string(to_string(expected)));
  };
  if (!tensor) throw Error(what + " is empty, but must have shape " + to_string(shape));
  if (tensor.shape() != shape) differs(" has shape ", tensor.shape(), shape);
  if (tensor.dtype() != dtype) differs(" is ", tensor.dtype(), dtype);
  if (tensor.device() != device) differs(" is on device ", tensor.device(), device);
}

void check_at_least(std::string_view op, std::string_view name, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw Error(std::string(op) + ": " + std::string(name) + " must be at least " + std::to_string(least) +
                ", not " + std::to_string(value));
}

Tensor reuse_or_allocate(const Shape& shape, Device device, DType dtype, const Tensor& overwritable) {
  return overwritable && overwritable.unique() ? overwritable : Tensor(shape, device, dtype);
}

void check_execution(std::string_view op, const Execution& execution) {
  if (execution.device == Device::kCpu && execution.maps != DType::kFloat32)
    throw Error(std::string(op) + ": the CPU supports fp32 only");
}

void add_gradient(const std::shared_ptr<Tensor>& target, Tensor addend) {
  Tensor& gradient = *target;
  if (!gradient) {
    gradient = std::move(addend);
    return;
  }
  launch(gradient.device(), gradient.dtype(), [&]<class T>(const auto& context, T) {
    add(context, gradient.shape().count(),
        kernels::AddArguments<T>{.from = addend.data<T>(), .to = gradient.data<T>()});
  });
}

}  // namespace sapnet::engine
