#include "engine/parameter_tensors.h"

#include <array>

namespace sapnet::engine {
namespace {

Tensor flat_tensor(const std::vector<float>& values, Device device) {
  return from_host(values, {1, 1, 1, static_cast<std::int64_t>(values.size())}, device);
}

Shape four_extents(const std::vector<std::int64_t>& shape) {
  std::array<std::int64_t, 4> extents = {1, 1, 1, 1};
  for (std::size_t k = 0; k < shape.size(); ++k) extents[4 - shape.size() + k] = shape[k];
  return {extents[0], extents[1], extents[2], extents[3]};
}

}  // namespace

Tensor to_tensor(const Parameter& parameter, Device device) {
  return from_host(parameter.values, four_extents(parameter.shape), device);
}

ParameterTensors::ParameterTensors(Parameters parameters, Device device, bool trainable)
    : initial_(std::move(parameters)) {
  std::vector<float> values;
  for (const Parameter& parameter : initial_.all()) {
    first_.push_back(static_cast<std::int64_t>(values.size()));
    values.insert(values.end(), parameter.values.begin(), parameter.values.end());
  }
  values_ = flat_tensor(values, device);
  if (trainable) gradients_ = zeros(values_.shape(), device);
}

Tensor ParameterTensors::get(std::string_view name, const std::vector<std::int64_t>& shape) const {
  const Parameter& parameter = initial_.get_finite(name, shape);
  const std::int64_t first = first_[static_cast<std::size_t>(&parameter - initial_.all().data())];
  const Shape extents = four_extents(shape);
  Tensor tensor = values_.slice(first, extents);
  if (gradients_) tensor.track(gradients_.slice(first, extents));
  return tensor;
}

void ParameterTensors::zero_gradients() { set_zero(gradients_); }

Parameters ParameterTensors::with_values(const Tensor& tensor) const {
  std::vector<float> values(static_cast<std::size_t>(values_.shape().count()));
  to_host(tensor, values);
  Parameters result(initial_.source());
  auto next = values.begin();
  for (Parameter parameter : initial_.all()) {
    const auto end = next + static_cast<std::ptrdiff_t>(parameter.values.size());
    parameter.values.assign(next, end);
    result.add(std::move(parameter));
    next = end;
  }
  return result;
}

}  // namespace sapnet::engine
