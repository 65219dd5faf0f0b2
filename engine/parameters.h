// Named weight arrays, as stored in a weight file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sapnet::engine {

/// One learned array, row-major. Convolution weights are (out, in, kernel_h, kernel_w), biases (out).
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;  // product of `shape`
};

/// "(32, 6, 3, 3)", for messages.
std::string to_string(std::span<const std::int64_t> shape);

/// An ordered set of parameters with unique names, and the file they came from.
class Parameters {
 public:
  /// `source` names the file (or other origin) in error messages.
  explicit Parameters(std::string source) : source_(std::move(source)) {}

  /// Throws Error if the name is taken or the number of values does not match the shape.
  void add(Parameter parameter);

  bool contains(std::string_view name) const { return index_.contains(std::string(name)); }

  /// The parameter with that name. Throws Error if it is missing or has another shape.
  const Parameter& get(std::string_view name, std::span<const std::int64_t> shape) const;

  /// The same for a network. Also throws Error if a value is not finite, which a ReLU could hide.
  const Parameter& get_finite(std::string_view name, std::span<const std::int64_t> shape) const;

  /// Throws Error with the first parameter whose name is not in `names`.
  void expect_only(std::span<const std::string> names) const;

  const std::vector<Parameter>& all() const { return parameters_; }  // in the order of add()
  const std::string& source() const { return source_; }

 private:
  std::string source_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace sapnet::engine
