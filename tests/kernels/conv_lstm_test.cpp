#include "kernels/conv_lstm/conv_lstm.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/kernels/summed.h"
#include "tests/reference/conv_lstm.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::ConvLstmArguments;
using kernels::ConvLstmProblem;

enum class State { kZero, kSeparate, kInPlace };  // kInPlace: c_out aliases c

struct Tolerances {
  std::vector<double> h_out, c_out;
};

/// From the gates' tolerances: σ has slope at most 1/4, tanh at most 1, and both are computed to a few ε.
/// gates: of the preactivations, (n, h, w, 4·hidden). |i|, |f|, |g|, |o| and |tanh c'| are at most 1.
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

  for (const Implementation* implementation : implementations(Variants::kAlgorithms, maps)) {
    if (!implementation->supports(p)) continue;
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray map(x), hidden_state(h), cell(c), weights(implementation->packed(p, weight)), biases(bias);
      GuardedArray h_out(expected.h_out.size()), separate_c_out(expected.c_out.size());
      const std::int64_t partials = implementation->with_context(
          [&](const auto& context) { return conv2d_partials(context, p.conv()); });
      GuardedArray sums(static_cast<std::size_t>(p.n * partials * 9 * p.hidden));
      GuardedArray& c_out = state == State::kInPlace ? cell : separate_c_out;
      ConvLstmArguments<> arguments;
      arguments.x = map.data();
      arguments.h = hidden_state.data();
      arguments.c = cell.data();
      arguments.weight = weights.data();
      arguments.bias = biases.data();
      arguments.h_out = h_out.data();
      arguments.c_out = c_out.data();
      arguments.shifted_sums = sums.data();
      implementation->run(OPERATION(conv_lstm), p, arguments);
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
    check({1, 6, 11, 32, 32, 3}, state);  // the only size that the GPU supports
  }
}

KERNEL_TEST_CASE("conv_lstm with saturated gates", "[kernels][conv_lstm]") {
  check({1, 6, 11, 32, 32, 1}, State::kInPlace, 40);
  check({1, 6, 11, 6, 32, 1}, State::kZero, 400);
}

// Against the numerical derivative of the loss Σ dh·h' + Σ dc·c'.
void check_backward(const ConvLstmProblem& p, engine::DType maps, bool with_c, bool with_dh, bool with_dc,
                    bool in_place) {
  INFO(to_string(maps) << ", " << p.n << "×" << p.h << "×" << p.w << "×" << p.hidden << ", c " << with_c
                       << ", dh " << with_dh << ", dc " << with_dc << ", in place " << in_place);
  const std::int64_t count = p.n * p.h * p.w * p.hidden;
  const auto doubles = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const auto sums = doubles(random_values(4 * count, 1, 3));
  const auto c = random_values(with_c ? count : 0, 2, 2),
             dh = stored(random_values(with_dh ? count : 0, 3), maps),
             dc = random_values(with_dc ? count : 0, 4);
  const std::vector<double> zero(static_cast<std::size_t>(count));
  const auto loss = [&](const std::vector<double>& by_sums, const std::vector<double>& by_c) {
    const auto next = reference::cell(p, by_sums, by_c);
    return reference::dot(doubles(dh), next.h_out) + reference::dot(doubles(dc), next.c_out);
  };
  const auto exact_c = with_c ? doubles(c) : zero;
  const auto expected_gates =
      reference::numeric_gradient(sums, [&](const std::vector<double>& v) { return loss(v, exact_c); });
  const auto expected_c =
      reference::numeric_gradient(exact_c, [&](const std::vector<double>& v) { return loss(sums, v); });

  const auto next = reference::cell(p, sums, exact_c);
  const std::vector<float> h_out(next.h_out.begin(), next.h_out.end());
  std::vector<float> gates;
  const auto hidden = static_cast<std::size_t>(p.hidden);
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const bool is_g = k / hidden % 4 == 2;
    gates.push_back(static_cast<float>(is_g ? std::tanh(sums[k]) : 1 / (1 + std::exp(-sums[k]))));
  }
  for (const Implementation* implementation : implementations(Variants::kSimd, maps)) {
    if (!implementation->supports(p)) continue;
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray all_gates(gates), cell(c), hidden_state(h_out), dhs(dh), dcs(dc);
      GuardedArray separate_dgates(gates.size()), separate_dc(with_c ? static_cast<std::size_t>(count) : 0);
      GuardedArray& dgates = in_place ? all_gates : separate_dgates;
      GuardedArray& dc_before = in_place && with_c && with_dc ? dcs : separate_dc;
      implementation->run(OPERATION(conv_lstm_backward), p,
                          kernels::ConvLstmBackwardArguments<>{.gates = all_gates.data(),
                                                               .c = cell.data(),
                                                               .h_out = hidden_state.data(),
                                                               .dh_out = dhs.data(),
                                                               .dc_out = dcs.data(),
                                                               .dgates = dgates.data(),
                                                               .dc = with_c ? dc_before.data() : nullptr});
      return std::vector<std::vector<float>>{copy(dgates), copy(dc_before)};
    });
    // Products of a few factors of at most 2 (c), each rounded once; tanh c' is h' / o, with the relative
    // error of h'. In fp16 the gates are rounded already.
    const std::vector<std::int64_t> map = {p.n, p.h, p.w, p.hidden};
    check_close("dgates", {p.n, p.h, p.w, 4 * p.hidden}, written[0], expected_gates,
                std::vector<double>(gates.size(), 4 * storage_rounding(maps, 2)));
    if (with_c)
      check_close("dc", map, written[1], expected_c,
                  std::vector<double>(h_out.size(), 4 * storage_rounding(maps, 2)));
  }
}

KERNEL_TEST_CASE("conv_lstm backward", "[kernels][conv_lstm][backward]") {
  for (const engine::DType maps : stored_types()) {
    for (int bits = 0; bits < 16; ++bits)
      check_backward({1, 1, 1, 32, 32, 1}, maps, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                     (bits & 8) != 0);
    check_backward({2, 2, 3, 32, 32, 1}, maps, true, true, true, true);
  }
}

KERNEL_TEST_CASE("conv_lstm saves its gates", "[kernels][conv_lstm][backward]") {
  const ConvLstmProblem p{2, 9, 70, 32, 32, 1};
  const std::int64_t count = p.n * p.h * p.w * p.hidden;
  const auto states = static_cast<std::size_t>(count), hidden = static_cast<std::size_t>(p.hidden);
  for (const Implementation* implementation : implementations()) {
    if (!implementation->supports(p)) continue;
    INFO(implementation->name());
    GuardedArray x(random_values(count, 1)), h(random_values(count, 2)), c(random_values(count, 3)),
        weight(implementation->packed(p, random_values(4 * 32 * 64 * 9, 4, 0.2F))),
        bias(random_values(4 * 32, 5)), h_out(states), c_out(states), gates(4 * states);
    implementation->run(OPERATION(conv_lstm), p,
                        kernels::ConvLstmArguments<>{.x = x.data(),
                                                     .h = h.data(),
                                                     .c = c.data(),
                                                     .weight = weight.data(),
                                                     .bias = bias.data(),
                                                     .h_out = h_out.data(),
                                                     .c_out = c_out.data(),
                                                     .gates = gates.data()});
    std::vector<double> expected_c, expected_h;
    for (std::size_t k = 0; k < states; ++k) {
      const auto gate = [&](std::size_t which) {
        return static_cast<double>(gates.values()[(k / hidden * 4 + which) * hidden + k % hidden]);
      };
      expected_c.push_back(gate(1) * static_cast<double>(c.values()[k]) + gate(0) * gate(2));
      expected_h.push_back(gate(3) * std::tanh(static_cast<double>(c_out.values()[k])));
    }
    // The kernel uses the gates before they are rounded for storage.
    const std::vector<double> tolerance(states, 3 * storage_rounding(implementation->maps(), 1));
    check_close("c", {p.n, p.h, p.w, p.hidden}, c_out.values(), expected_c, tolerance);
    check_close("h", {p.n, p.h, p.w, p.hidden}, h_out.values(), expected_h, tolerance);
  }
}

}  // namespace
}  // namespace sapnet::tests
