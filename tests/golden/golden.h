// The golden files of this folder (see make_goldens.py), and fp32 tolerances for them.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/parameter_tensors.h"
#include "engine/parameters.h"
#include "engine/tensor.h"
#include "tests/catch.h"
#include "tests/source_dir.h"
#include "weights/weight_file.h"

namespace sapnet::tests {

/// The tensors of a golden file whose names begin with `prefix`.
inline engine::Parameters read_golden(const std::string& file, const std::string& prefix) {
  return weights::read_weights(source_dir() / "tests/golden" / file, prefix);
}

/// The tensor with that name, of any shape.
inline const engine::Parameter& find(const engine::Parameters& parameters, const std::string& name) {
  for (const engine::Parameter& parameter : parameters.all())
    if (parameter.name == name) return parameter;
  throw Error(parameters.source() + ": tensor '" + name + "' is missing");
}

/// A copy without the tensors whose names begin with `prefix`.
inline engine::Parameters without(const engine::Parameters& parameters, const std::string& prefix) {
  engine::Parameters rest(parameters.source());
  for (const engine::Parameter& parameter : parameters.all())
    if (!parameter.name.starts_with(prefix)) rest.add(parameter);
  return rest;
}

/// A golden 4-D tensor, or a bias, on the CPU.
inline engine::Tensor to_tensor(const engine::Parameter& golden) {
  return engine::to_tensor(golden, engine::Device::kCpu);
}

inline std::vector<double> to_doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

/// Dot product.
inline double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += static_cast<double>(a[k]) * static_cast<double>(b.at(k));
  return sum;
}

/// The 2-norm, and that of the difference of two vectors.
inline double norm(const std::vector<float>& values) { return std::sqrt(dot(values, values)); }
inline double distance(std::vector<float> a, const std::vector<float>& b) {
  if (a.size() != b.size()) throw Error("vectors of different lengths have no distance");
  for (std::size_t k = 0; k < a.size(); ++k) a[k] -= b[k];
  return norm(a);
}

/// Checks the norm of each parameter's gradient, and its dot product with the parameter, against the golden
/// PREFIXNAME. tolerance: relative to the norm.
inline void check_gradient_summaries(const engine::ParameterTensors& parameters,
                                     const engine::Parameters& goldens, const std::string& prefix,
                                     double tolerance) {
  for (const engine::Parameter& parameter : parameters.initial().all()) {
    INFO(parameter.name);
    const std::vector<double> summary = to_doubles(find(goldens, prefix + parameter.name).values);
    const auto gradient = to_vector(*parameters.get(parameter.name, parameter.shape).gradient());
    const double allowed = tolerance * summary.at(0);
    CHECK(std::abs(norm(gradient) - summary.at(0)) <= allowed);
    CHECK(std::abs(dot(gradient, parameter.values) - summary.at(1)) <= allowed * norm(parameter.values));
  }
}

/// Rounding errors of Winograd F(4×4) relative to a direct sum, derived in tests/kernels/implementations.cpp:
/// for the worst of a tile's 16 outputs, and the root mean square over all of them.
inline constexpr double kWinogradWorst = 31.4, kWinogradMean = 10.8;

}  // namespace sapnet::tests
