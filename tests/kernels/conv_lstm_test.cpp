#include "kernels/conv_lstm/conv_lstm.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/kernels/summed.h"
#include "tests/reference/conv_lstm.h"

namespace sapnet::tests {
namespace {

using kernels::ConvLstmArguments;
using kernels::ConvLstmProblem;

enum class State { kZero, kSeparate, kInPlace };  // kInPlace: c_out is c

struct Tolerances {
  std::vector<double> h_out, c_out;
};

/// From the gates' tolerances: σ is at most 1/4 steep, tanh at most 1, and both are computed to a few ε.
/// gates: of the sums, (n, h, w, 4·hidden). |i|, |f|, |g|, |o| and |tanh c'| are at most 1.
Tolerances tolerances(const ConvLstmProblem& p, const std::vector<double>& gates, const std::vector<float>& c,
                      engine::DType maps) {
  const auto hidden = static_cast<std::size_t>(p.hidden);
  Tolerances result;
  for (std::size_t k = 0; k < gates.size() / 4; ++k) {
    const double* gate = &gates[k / hidden * 4 * hidden + k % hidden];
    const double old = c.empty() ? 0 : std::abs(static_cast<double>(c[k]));
    const double i = gate[0] / 4, f = gate[hidden] / 4, g = gate[2 * hidden], o = gate[3 * hidden] / 4;
    const double function = 2 * rounding(1);
    const double cell = (f + function) * old + (i + function) + (g + function) + rounding(old + 1);
    result.c_out.push_back(cell);
    result.h_out.push_back((o + function) + (cell + function) + storage_rounding(maps, 1));
  }
  return result;
}

void check(const ConvLstmProblem& p, State state, float weight_limit, engine::DType maps) {
  INFO(p.n << "×" << p.h << "×" << p.w << ", " << p.in_channels << "+" << p.hidden << " channels, state "
           << static_cast<int>(state) << ", shifted sums for dilation " << p.sums_dilation);
  const std::int64_t pixels = p.n * p.h * p.w;
  const std::int64_t taps = (p.in_channels + p.hidden) * 9;
  const auto x = stored(random_values(pixels * p.in_channels, 1), maps);
  const auto h = stored(random_values(state == State::kZero ? 0 : pixels * p.hidden, 2), maps);
  const auto c = random_values(state == State::kZero ? 0 : pixels * p.hidden, 3, 2);
  const auto weight = stored(
      random_values(4 * p.hidden * taps, 4, weight_limit * 2 / std::sqrt(static_cast<float>(taps))), maps);
  const auto bias = random_values(4 * p.hidden, 5);
  const auto expected = reference::conv_lstm(p, x, h, c, weight, bias);

  for (const auto& implementation : implementations()) {
    if (implementation->maps() != maps || !implementation->takes(p)) continue;
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray map(x), hidden_state(h), cell(c), weights(weight), biases(bias);
      GuardedArray h_out(expected.h_out.size()), separate_c_out(expected.c_out.size());
      const std::int64_t parts = implementation->shifted_sums_parts(p.h);
      GuardedArray sums(static_cast<std::size_t>(p.n * parts * 9 * p.hidden));
      GuardedArray& c_out = state == State::kInPlace ? cell : separate_c_out;
      ConvLstmArguments arguments;
      arguments.x = map.data();
      arguments.h = hidden_state.data();
      arguments.c = cell.data();
      arguments.weight = weights.data();
      arguments.bias = biases.data();
      arguments.h_out = h_out.data();
      arguments.c_out = c_out.data();
      arguments.shifted_sums = sums.data();
      implementation->conv_lstm(p, arguments);
      for (GuardedArray* array :
           {&map, &hidden_state, &cell, &weights, &biases, &h_out, &separate_c_out, &sums})
        CHECK(array->intact());
      return std::vector<std::vector<float>>{copy(h_out), copy(c_out), copy(sums)};
    });

    const auto gates = sum_tolerances(*implementation, p.conv(), expected.gates.magnitude, weight, bias, 1);
    const auto tolerance = tolerances(p, gates, c, maps);
    check_close("c_out", {p.n, p.h, p.w, p.hidden}, written[1], expected.c_out, tolerance.c_out);
    check_close("h_out", {p.n, p.h, p.w, p.hidden}, written[0], expected.h_out, tolerance.h_out);

    check_shifted_sums({p.n, p.h, p.w, p.hidden, p.sums_dilation}, written[0], written[2]);
  }
}

void check(const ConvLstmProblem& p, State state, float weight_limit = 1) {
  for (const engine::DType maps : stored_types()) check(p, state, weight_limit, maps);
}

KERNEL_TEST_CASE("conv_lstm at ragged sizes", "[kernels][conv_lstm]") {
  for (const State state : {State::kZero, State::kSeparate, State::kInPlace})
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {3, 60}, {17, 23}})
      check({1, h, w, 32, 32, 1}, state);
  check({1, 33, 31, 32, 32, 2}, State::kInPlace);
}

KERNEL_TEST_CASE("conv_lstm of a batch", "[kernels][conv_lstm]") {
  check({2, 6, 11, 32, 32, 1}, State::kZero);
  check({3, 5, 9, 32, 32, 1}, State::kInPlace);
}

KERNEL_TEST_CASE("conv_lstm with other numbers of channels", "[kernels][conv_lstm]") {
  for (const State state : {State::kZero, State::kSeparate}) {
    for (const std::int64_t in_channels : {1, 6, 32, 40, 64}) check({1, 6, 11, in_channels, 16, 4}, state);
    check({1, 6, 11, 64, 32, 1}, state);
    check({1, 6, 11, 32, 64, 1}, state);
    check({1, 6, 11, 5, 48, 1}, state);
    check({1, 6, 11, 32, 32, 3}, state);  // all that the GPU takes
  }
}

KERNEL_TEST_CASE("conv_lstm with saturated gates", "[kernels][conv_lstm]") {
  check({1, 6, 11, 32, 32, 1}, State::kInPlace, 40);
  check({1, 6, 11, 6, 32, 1}, State::kZero, 400);
}

}  // namespace
}  // namespace sapnet::tests
