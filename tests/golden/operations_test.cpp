// The engine's operations against PyTorch, on the same inputs and weights.
#include <algorithm>
#include <array>
#include <string>

#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "kernels/shifted_sums/shifted_sums.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"
#include "tests/kernels/close.h"

namespace sapnet::tests {
namespace {

using engine::Device;
using engine::Parameter;
using engine::Tensor;

const engine::Parameters& goldens() {
  static const engine::Parameters parameters = read_golden("operations.safetensors", "");
  return parameters;
}

const Parameter& golden(const std::string& name) { return find(goldens(), name); }

double largest(const Parameter& parameter) {
  double limit = 0;
  for (const float value : parameter.values) limit = std::max(limit, std::abs(static_cast<double>(value)));
  return limit;
}

/// Tolerance of a convolution: the 2-norm of its products is at most that of an output's weights times the
/// largest input. With Winograd the sum is over the channels (and the 20 roundings of the transforms).
double conv_tolerance(const Parameter& weight, double input_limit, bool strict) {
  const auto per_output = static_cast<std::size_t>(weight.shape[1] * weight.shape[2] * weight.shape[3]);
  double largest_square = 0;
  for (std::size_t first = 0; first < weight.values.size(); first += per_output) {
    double square = 0;
    for (std::size_t k = 0; k < per_output; ++k)
      square += static_cast<double>(weight.values[first + k]) * static_cast<double>(weight.values[first + k]);
    largest_square = std::max(largest_square, square);
  }
  const double scale = std::sqrt(largest_square) * input_limit;
  return strict ? sum_tolerance(static_cast<double>(per_output) + 1, scale)
                : sum_tolerance(static_cast<double>(weight.shape[1]) + 20, kWinogradWorst * scale);
}

void check_map(const std::string& what, const Tensor& actual, const Parameter& expected, double tolerance) {
  const engine::Shape& shape = actual.shape();
  INFO(what);
  REQUIRE(engine::to_string(shape) == engine::to_string(expected.shape));
  const std::vector<double> tolerances(expected.values.size(), tolerance + rounding(largest(expected)));
  check_close(what, {shape.n, shape.h, shape.w, shape.c}, to_vector(actual), to_doubles(expected.values),
              tolerances);
}

TEST_CASE("conv2d agrees with PyTorch", "[golden]") {
  const bool strict = GENERATE(false, true);
  for (int index = 0; index < 7; ++index) {
    const std::string name = "conv2d." + std::to_string(index);
    const Parameter& input = golden(name + ".input");
    const Parameter& weight = golden(name + ".weight");
    const std::vector<float>& geometry = golden(name + ".geometry").values;
    const engine::Conv2dGeometry steps{static_cast<std::int64_t>(geometry.at(0)),
                                       static_cast<std::int64_t>(geometry.at(1)),
                                       static_cast<std::int64_t>(geometry.at(2))};
    const engine::Conv2dWeights weights(to_tensor(weight), to_tensor(golden(name + ".bias")),
                                        {weight.shape[1], 0}, steps,
                                        {.device = Device::kCpu, .strict = strict});
    check_map(name + (strict ? " strict" : " fast"), conv2d(to_tensor(input), weights),
              golden(name + ".output"), conv_tolerance(weight, largest(input), strict));
  }
}

TEST_CASE("conv_lstm agrees with PyTorch over two steps", "[golden]") {
  const bool strict = GENERATE(false, true);
  std::array<Tensor, 4> weights_of_gates, biases;
  double gate = 0;
  // The hidden state lies within ±1.
  const double limit =
      std::max({1.0, largest(golden("conv_lstm.input0")), largest(golden("conv_lstm.input1"))});
  for (std::size_t k = 0; k < 4; ++k) {
    const std::string name = std::string("conv_lstm.") + "ifgo"[k];
    weights_of_gates[k] = to_tensor(golden(name + ".weight"));
    biases[k] = to_tensor(golden(name + ".bias"));
    gate = std::max(gate, conv_tolerance(golden(name + ".weight"), limit, strict));
  }
  const engine::ConvLstmWeights weights(weights_of_gates, biases, {.device = Device::kCpu, .strict = strict});
  engine::LstmState state;
  for (int step = 0; step < 2; ++step) {
    const std::string number = std::to_string(step);
    state = conv_lstm(to_tensor(golden("conv_lstm.input" + number)), std::move(state), weights);
    // σ has slope at most 1/4 and tanh at most 1: an error of a gate reaches c' = f c + i g multiplied by at
    // most
    // c|/4 + |g|/4 + |i| ≤ 1.75 (|c| ≤ 2 after two steps), and h' by no more; the second step adds its own.
    const double tolerance = 1.75 * gate * (step + 1);
    check_map("hidden state " + number, state.hidden, golden("conv_lstm.hidden" + number), tolerance);
    check_map("cell state " + number, state.cell, golden("conv_lstm.cell" + number), tolerance);
  }
}

/// A map with shifted sums for an attended_conv of this dilation.
engine::SummedMap summed(const Parameter& parameter, std::int64_t dilation) {
  const Tensor map = to_tensor(parameter);
  const engine::Shape& shape = map.shape();
  Tensor sums({shape.n, kernels::cpu::shifted_sums_partials({}, shape.h), 9, shape.c}, Device::kCpu);
  kernels::cpu::shifted_sums({}, {shape.n, shape.h, shape.w, shape.c, dilation}, {map.data(), sums.data()});
  return {map, sums, dilation};
}

TEST_CASE("attended_conv agrees with PyTorch at every dilation", "[golden]") {
  const bool strict = GENERATE(false, true);
  const std::int64_t dilation = GENERATE(1, 2, 4, 8, 16);
  const Parameter& weight = golden("attended_conv.weight");
  const auto tensor = [](const std::string& name) { return to_tensor(golden("attended_conv." + name)); };
  const engine::AttendedConvWeights weights(tensor("weight"), tensor("bias"), tensor("w1"), tensor("w2"),
                                            tensor("w3"), dilation,
                                            {.device = Device::kCpu, .strict = strict});
  for (int size = 0; size < 3; ++size) {
    const std::string name = "attended_conv." + std::to_string(size);
    const Parameter& input = golden(name + ".input");
    // The scale is below 1, so the convolution's error bounds the product's.
    const double tolerance = conv_tolerance(weight, largest(input), strict);
    const std::string what =
        name + ", dilation " + std::to_string(dilation) + (strict ? ", strict" : ", fast");
    check_map(what, attended_conv(summed(input, dilation), weights, 1).map,
              golden(name + ".output" + std::to_string(dilation)), tolerance);
    if (dilation != 16) continue;
    check_map(what + ", residual", attended_conv(summed(input, dilation), weights, 1, to_tensor(input)).map,
              golden(name + ".with_residual16"), tolerance);
  }
}

}  // namespace
}  // namespace sapnet::tests
