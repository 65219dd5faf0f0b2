// A network's parameters where its operations run.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/device.h"
#include "engine/parameters.h"
#include "engine/tensor.h"

namespace sapnet::engine {

/// All parameters of a network on a device, one behind the other in one array, in their own order; so an
/// optimiser takes them all at once.
class ParameterTensors {
 public:
  /// trainable: each has a gradient that a Tape adds to, and those lie in one array likewise, at first zero.
  ParameterTensors(Parameters parameters, Device device, bool trainable = false);

  /// The parameter of that name and shape, of at most four extents; its tensor has ones before them when they
  /// are fewer. Throws Error when it is missing, has another shape, or a value that is not finite, which a
  /// ReLU could hide.
  Tensor get(std::string_view name, const std::vector<std::int64_t>& shape) const;

  /// Names and shapes, and the values as they were read.
  const Parameters& initial() const { return initial_; }
  /// The values as they are now.
  Parameters current() const { return with_values(values_); }
  /// The same names and shapes with other values, such as averages; values: of the shape of values().
  Parameters with_values(const Tensor& values) const;

  Device device() const { return values_.device(); }
  const Tensor& values() const { return values_; }
  const Tensor& gradients() const { return gradients_; }
  /// Before the gradients of the next step are gathered.
  void zero_gradients();

 private:
  Parameters initial_;
  std::vector<std::int64_t> first_;  // number of each in `values_`, in the order of initial_.all()
  Tensor values_, gradients_;
};

}  // namespace sapnet::engine
