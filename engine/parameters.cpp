#include "engine/parameters.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace sapnet::engine {

std::string to_string(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

void Parameters::add(Parameter parameter) {
  std::int64_t expected = 1;
  for (const std::int64_t extent : parameter.shape) expected *= extent;
  if (static_cast<std::size_t>(expected) != parameter.values.size())
    throw Error(source_ + ": tensor '" + parameter.name + "' of shape " + to_string(parameter.shape) +
                " has " + std::to_string(parameter.values.size()) + " values");
  if (!index_.emplace(parameter.name, parameters_.size()).second)
    throw Error(source_ + ": tensor '" + parameter.name + "' appears twice");
  parameters_.push_back(std::move(parameter));
}

const Parameter& Parameters::get(std::string_view name, std::span<const std::int64_t> shape) const {
  const auto found = index_.find(std::string(name));
  if (found == index_.end()) throw Error(source_ + ": tensor '" + std::string(name) + "' is missing");
  const Parameter& parameter = parameters_[found->second];
  if (!std::ranges::equal(parameter.shape, shape))
    throw Error(source_ + ": tensor '" + parameter.name + "' has shape " + to_string(parameter.shape) +
                ", not " + to_string(shape));
  return parameter;
}

const Parameter& Parameters::get_finite(std::string_view name, std::span<const std::int64_t> shape) const {
  const Parameter& parameter = get(name, shape);
  if (!std::ranges::all_of(parameter.values, [](float value) { return std::isfinite(value); }))
    throw Error(source_ + ": tensor '" + parameter.name + "' has a value that is not a finite number");
  return parameter;
}

void Parameters::expect_only(std::span<const std::string> names) const {
  for (const Parameter& parameter : parameters_)
    if (std::ranges::find(names, parameter.name) == names.end())
      throw Error(source_ + ": tensor '" + parameter.name + "' is not part of this network");
}

}  // namespace sapnet::engine
