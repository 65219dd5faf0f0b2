#include <cmath>
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "kernels/zero_insert/zero_insert.h"
#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/conv2d_problems.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/conv2d.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::Conv2dProblem;

void check_dgrad(const Conv2dProblem& p, engine::DType maps, std::size_t map) {
  INFO(to_string(maps) << ", " << p.n << "×" << p.h << "×" << p.w << ", " << p.in_channels[map] << " of "
                       << p.total_in_channels() << " → " << p.out_channels << ", kernel " << p.kernel
                       << ", stride " << p.stride << ", dilation " << p.dilation << ", padding "
                       << p.padding);
  const std::int64_t filter = p.total_in_channels() * p.kernel * p.kernel;
  const auto weight =
      stored(random_values(p.out_channels * filter, 1, 2 / std::sqrt(static_cast<float>(filter))), maps);
  const auto grad_preactivation =
      stored(random_values(p.n * p.out_h() * p.out_w() * p.out_channels, 2), maps);
  const Conv2dProblem dgrad = kernels::dgrad_problem(p, map);
  REQUIRE(dgrad.out_h() == p.h);
  REQUIRE(dgrad.out_w() == p.w);
  const auto expected = reference::convolve_dgrad(p, map, weight, grad_preactivation);
  for_each_implementation(dgrad, maps, [&](const Implementation& implementation) {
    GuardedArray weights(weight), sums(grad_preactivation), din(expected.sum.size());
    GuardedArray upsampled(static_cast<std::size_t>(dgrad.n * dgrad.h * dgrad.w * p.out_channels));
    implementation.run(
        OPERATION(zero_insert),
        kernels::ZeroInsertProblem{p.n, p.out_h(), p.out_w(), p.out_channels, p.stride, dgrad.h, dgrad.w},
        kernels::ZeroInsertArguments<>{sums.data(), upsampled.data()});
    GuardedArray reversed(weight.size());
    kernels::dgrad_weight(p, weights.data(), reversed.data());
    const std::int64_t taps_of_map = dgrad.in_channels[0] * p.kernel * p.kernel;
    const std::vector<float> all = copy(reversed);
    const auto first = all.begin() + (map == 0 ? 0 : p.in_channels[0] * taps_of_map);
    const std::vector<float> of_map(first, first + dgrad.out_channels * taps_of_map);
    GuardedArray packed(implementation.packed(dgrad, of_map));
    implementation.run(OPERATION(conv2d), dgrad,
                       kernels::Conv2dArguments<>{
                           .in = {upsampled.data(), nullptr}, .weight = packed.data(), .out = din.data()});
    auto tolerance = sum_tolerances(implementation, dgrad, expected.magnitude, of_map, {}, 1);
    for (std::size_t k = 0; k < tolerance.size(); ++k)
      tolerance[k] += storage_rounding(maps, std::abs(expected.sum[k]));
    check_close("din", {p.n, p.h, p.w, p.in_channels[map]}, din.values(), expected.sum, tolerance);
  });
}

void check_dgrad(const Conv2dProblem& p, std::size_t map) {
  for (const engine::DType maps : stored_types()) check_dgrad(p, maps, map);
}

KERNEL_TEST_CASE("dgrad is a convolution", "[kernels][conv2d][backward]") {
  for (const std::int64_t dilation : {1, 2, 16}) check_dgrad(same_size(2, 9, 14, {32, 0}, 32, dilation), 0);
  for (const std::size_t map : {0U, 1U}) {
    check_dgrad(same_size(1, 9, 14, {32, 32}, 128), map);
    check_dgrad(same_size(1, 9, 14, {5, 3}, 32), map);
  }
  check_dgrad(same_size(1, 9, 14, {32, 0}, 3), 0);
  check_dgrad({1, 9, 11, {4, 0}, 6, 5, 1, 1, 2}, 0);
  check_dgrad({1, 9, 11, {4, 0}, 6, 3, 1, 2, 0}, 0);
  check_dgrad({1, 9, 11, {4, 0}, 6, 1, 1, 1, 0}, 0);
  for (const std::int64_t w : {11, 12}) {
    check_dgrad({2, 9, w, {4, 0}, 6, 1, 2, 1, 0}, 0);
    check_dgrad({2, 9, w, {3, 0}, 6, 7, 2, 1, 3}, 0);
    check_dgrad({1, 9, w, {32, 0}, 32, 3, 2, 1, 1}, 0);
    check_dgrad({1, 9, w, {4, 3}, 6, 3, 3, 2, 2}, 1);
  }
}

/// before: whether each gradient already has a value. wanted: which gradients to compute.
void check_joint_dgrad(const Conv2dProblem& p, engine::DType maps, std::array<bool, 2> before,
                       std::array<bool, 2> wanted) {
  INFO(to_string(maps) << ", " << p.in_channels[0] << "+" << p.in_channels[1] << " → " << p.out_channels
                       << ", dilation " << p.dilation << ", before " << before[0] << before[1] << ", wanted "
                       << wanted[0] << wanted[1]);
  const std::int64_t filter = p.total_in_channels() * p.kernel * p.kernel;
  const auto weight =
      stored(random_values(p.out_channels * filter, 1, 2 / std::sqrt(static_cast<float>(filter))), maps);
  const auto grad_preactivation = stored(random_values(p.n * p.h * p.w * p.out_channels, 2), maps);
  REQUIRE(kernels::has_joint_dgrad(p));
  const Conv2dProblem dgrad = kernels::joint_dgrad_problem(p);
  const std::int64_t map_size = p.n * p.h * p.w * dgrad.out_map_channels();
  std::vector<float> reversed(weight.size());
  kernels::dgrad_weight(p, weight.data(), reversed.data());
  const std::array<std::vector<float>, 2> there = {stored(random_values(before[0] ? map_size : 0, 3), maps),
                                                   stored(random_values(before[1] ? map_size : 0, 4), maps)};
  const std::array exact = {reference::convolve_dgrad(p, 0, weight, grad_preactivation),
                            reference::convolve_dgrad(p, 1, weight, grad_preactivation)};
  for_each_implementation(dgrad, maps, [&](const Implementation& implementation) {
    const auto written = run_repeatedly([&] {
      GuardedArray sums(grad_preactivation), packed(implementation.packed(dgrad, reversed));
      // One gradient is accumulated in place, the other is new.
      GuardedArray first(there[0]), second(there[1]);
      GuardedArray separate(static_cast<std::size_t>(wanted[0] ? map_size : 0)),
          fresh(static_cast<std::size_t>(wanted[1] && !before[1] ? map_size : 0));
      GuardedArray& second_out = before[1] ? second : fresh;
      implementation.run(OPERATION(conv2d), dgrad,
                         kernels::Conv2dArguments<>{.in = {sums.data(), nullptr},
                                                    .weight = packed.data(),
                                                    .residual = first.data(),
                                                    .out = separate.data(),
                                                    .second_residual = second.data(),
                                                    .second_out = wanted[1] ? second_out.data() : nullptr});
      CHECK(copy(first) == there[0]);
      return std::vector<std::vector<float>>{copy(separate), copy(second_out)};
    });
    for (std::size_t map = 0; map < 2; ++map) {
      if (!wanted[map]) {
        CHECK(written[map] == (map == 0 ? std::vector<float>() : there[1]));
        continue;
      }
      auto expected = exact[map];
      const auto half = static_cast<std::ptrdiff_t>(reversed.size() / 2);
      const auto from = reversed.begin() + (map == 0 ? 0 : half);
      auto tolerance = sum_tolerances(implementation, kernels::dgrad_problem(p, map), expected.magnitude,
                                      std::vector<float>(from, from + half), {}, 1);
      for (std::size_t k = 0; k < tolerance.size(); ++k) {
        if (before[map]) {
          expected.sum[k] += static_cast<double>(there[map][k]);
          tolerance[k] += rounding(std::abs(expected.sum[k]) + 1);
        }
        tolerance[k] += storage_rounding(maps, std::abs(expected.sum[k]));
      }
      check_close(map == 0 ? "din of the first map" : "din of the second map",
                  {p.n, p.h, p.w, p.in_channels[map]}, written[map], expected.sum, tolerance);
    }
  });
}

KERNEL_TEST_CASE("dgrad of two maps is one convolution", "[kernels][conv2d][backward]") {
  for (const engine::DType maps : stored_types()) {
    const Conv2dProblem gates = same_size(2, 9, 14, {32, 32}, 128);  // many channels
    for (const std::array<bool, 2> before : {std::array{false, false}, {true, true}, {false, true}})
      check_joint_dgrad(gates, maps, before, {true, true});
    check_joint_dgrad(gates, maps, {true, false}, {true, false});
    check_joint_dgrad(gates, maps, {false, true}, {false, true});
    // The streamed-rows kernel, and on a GPU the generic one.
    for (const std::int64_t out_channels : {32, 20}) {
      const Conv2dProblem p = same_size(1, 9, 14, {32, 32}, out_channels, 2);
      check_joint_dgrad(p, maps, {true, true}, {true, true});
      check_joint_dgrad(p, maps, {true, false}, {true, false});
      check_joint_dgrad(p, maps, {false, false}, {false, true});
    }
  }
}

struct Epilogue {
  bool relu = false, residual = false, scale = false, shift = false, in_place = false, before = false;
};

// Against the numerical derivative of the epilogue.
void check_epilogue(const Epilogue& options, engine::DType maps, std::int64_t channels) {
  INFO(to_string(maps) << ", " << channels << " channels, ReLU " << options.relu << ", residual "
                       << options.residual << ", scale " << options.scale << ", shift " << options.shift
                       << ", in place " << options.in_place << ", before " << options.before);
  const Conv2dProblem p = same_size(2, 1, 3, {1, 0}, channels);
  const auto count = static_cast<std::size_t>(p.n * p.h * p.w * p.out_channels);
  const auto doubles = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const auto sum = random_values(static_cast<std::int64_t>(count), 1);
  const auto residual = random_values(options.residual ? static_cast<std::int64_t>(count) : 0, 2);
  auto scale = random_values(options.scale ? p.n * p.out_channels : 0, 3);
  for (float& s : scale) s = std::abs(s) + 0.1F;
  const auto shift = random_values(options.shift ? p.n * p.out_channels : 0, 4);
  const auto dout = stored(random_values(static_cast<std::int64_t>(count), 5), maps);
  const auto before = stored(random_values(options.before ? static_cast<std::int64_t>(count) : 0, 6), maps);
  const auto loss = [&](const std::vector<double>& by_sum, const std::vector<double>& by_residual) {
    return reference::dot(doubles(dout),
                          reference::finish(p, by_sum, doubles(scale), by_residual, options.relu));
  };
  auto expected = reference::numeric_gradient(
      doubles(sum), [&](const std::vector<double>& x) { return loss(x, doubles(residual)); });
  auto expected_residual = reference::numeric_gradient(
      doubles(residual), [&](const std::vector<double>& x) { return loss(doubles(sum), x); });
  for (std::size_t k = 0; k < count; ++k) {
    const auto per_pixel = static_cast<std::size_t>(channels), per_image = count / 2;
    if (options.shift) expected[k] += static_cast<double>(shift[k / per_image * per_pixel + k % per_pixel]);
    if (options.before) expected_residual[k] += static_cast<double>(before[k]);
  }

  const auto out = reference::finish(p, doubles(sum), doubles(scale), doubles(residual), options.relu);
  const auto pre_residual = reference::finish(p, doubles(sum), doubles(scale), {}, options.relu);
  const auto floats = [](const std::vector<double>& v) { return std::vector<float>(v.begin(), v.end()); };
  for_each_implementation(
      p, maps,
      [&](const Implementation& implementation) {
        const auto written = run_repeatedly([&] {
          GuardedArray douts(dout), outs(floats(out)), pre_residuals(floats(pre_residual)), scales(scale),
              shifts(shift), befores(before);
          GuardedArray separate_grad_preactivation(count), separate_dresidual(options.residual ? count : 0);
          GuardedArray& grad_preactivation = options.in_place ? douts : separate_grad_preactivation;
          GuardedArray& dresidual = options.in_place && options.before ? befores : separate_dresidual;
          implementation.run(
              OPERATION(conv2d_epilogue_backward), p,
              kernels::Conv2dEpilogueBackwardArguments<>{
                  .dout = douts.data(),
                  .out = options.relu ? outs.data() : nullptr,
                  .pre_residual = options.relu && options.residual ? pre_residuals.data() : nullptr,
                  .scale = scales.data(),
                  .shift = shifts.data(),
                  .grad_preactivation = grad_preactivation.data(),
                  .dresidual_before = befores.data(),
                  .dresidual = dresidual.data()});
          return std::vector<std::vector<float>>{copy(grad_preactivation), copy(dresidual)};
        });
        const std::vector<double> tolerance(count, storage_rounding(maps, 3));
        check_close("grad_preactivation", {p.n, p.h, p.w, p.out_channels}, written[0], expected, tolerance);
        if (options.residual)
          check_close("dresidual", {p.n, p.h, p.w, p.out_channels}, written[1], expected_residual, tolerance);
      },
      Variants::kSimd);
}

void check_epilogue(const Epilogue& options) {
  // 35: full vectors and a remainder on any SIMD target. CUDA uses vectors for 32 only.
  for (const std::int64_t channels : {32, 35})
    for (const engine::DType maps : stored_types()) check_epilogue(options, maps, channels);
}

KERNEL_TEST_CASE("convolution epilogue backward", "[kernels][conv2d][backward]") {
  for (int bits = 0; bits < 32; ++bits) {
    Epilogue options{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
    check_epilogue(options);
    if (!options.residual) continue;
    options.before = true;
    check_epilogue(options);
  }
}

KERNEL_TEST_CASE("a convolution saves the map before its residual", "[kernels][conv2d][backward]") {
  for (const auto& p : {same_size(2, 9, 70, {32, 0}, 32, 2), same_size(1, 5, 7, {6, 0}, 20),
                        same_size(2, 5, 7, {64, 0}, 64), same_size(2, 5, 7, {6, 0}, 32),
                        same_size(2, 5, 7, {32, 0}, 3), Conv2dProblem{1, 5, 7, {6, 0}, 20, 1, 1, 1, 0}}) {
    for (const Implementation* each : implementations()) {
      const Implementation& implementation = *each;
      if (!implementation.supports(p)) continue;
      INFO(implementation.name());
      const auto count = static_cast<std::size_t>(p.n * p.h * p.w * p.out_channels);
      GuardedArray in(random_values(p.n * p.h * p.w * p.in_channels[0], 1)),
          weight(implementation.packed(
              p, random_values(p.out_channels * p.in_channels[0] * p.kernel * p.kernel, 2, 0.1F))),
          residual(random_values(static_cast<std::int64_t>(count), 3)), alone(count), out(count),
          pre_residual(count);
      kernels::Conv2dArguments<> arguments;
      arguments.in = {in.data(), nullptr};
      arguments.weight = weight.data();
      arguments.relu = true;
      arguments.out = alone.data();
      implementation.run(OPERATION(conv2d), p, arguments);
      arguments.out = out.data();
      arguments.residual = residual.data();
      arguments.pre_residual = pre_residual.data();
      implementation.run(OPERATION(conv2d), p, arguments);
      check_same_bits("pre_residual", pre_residual.values(), alone.values());
    }
  }
}

}  // namespace
}  // namespace sapnet::tests
