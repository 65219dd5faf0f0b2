// A network's parameters on a device.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/device.h"
#include "engine/parameters.h"
#include "engine/tensor.h"

namespace sapnet::engine {

/// A copy of a parameter's values, of at most four dimensions; its shape is padded with leading ones.
Tensor to_tensor(const Parameter& parameter, Device device);

/// All parameters of a network in one contiguous array on a device, in their original order, so that an
/// optimiser can update them with one kernel.
class ParameterTensors {
 public:
  /// trainable: allocates a gradient for each parameter, in another contiguous array, initially zero.
  ParameterTensors(Parameters parameters, Device device, bool trainable = false);

  /// The parameter with that name and shape, as to_tensor() gives it, but in this memory. Throws Error if it
  /// is missing, has another shape, or contains a non-finite value.
  Tensor get(std::string_view name, const std::vector<std::int64_t>& shape) const;

  /// Names, shapes and initial values.
  const Parameters& initial() const { return initial_; }
  /// Names, shapes and current values.
  Parameters current() const { return with_values(values_); }
  /// The same names and shapes with other values, such as an average; `values` has the shape of values().
  Parameters with_values(const Tensor& values) const;

  Device device() const { return values_.device(); }
  const Tensor& values() const { return values_; }
  const Tensor& gradients() const { return gradients_; }
  /// Call before accumulating the next step's gradients.
  void zero_gradients();

 private:
  Parameters initial_;
  std::vector<std::int64_t> first_;  // offset of each parameter in values_, in the order of initial_.all()
  Tensor values_, gradients_;
};

}  // namespace sapnet::engine
