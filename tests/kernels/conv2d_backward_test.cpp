#include "kernels/conv2d/conv2d_backward.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <deque>
#include <vector>

#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/conv2d.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::Conv2dProblem;

Conv2dProblem same_size(std::int64_t n, std::int64_t h, std::int64_t w,
                        std::array<std::int64_t, 2> in_channels, std::int64_t out_channels,
                        std::int64_t dilation = 1) {
  return {n, h, w, in_channels, out_channels, 3, 1, dilation, dilation};
}

/// Calls body for every implementation that takes the problem and stores maps so.
template <class Body>
void for_each_trainer(const Conv2dProblem& p, engine::DType maps, const Body& body) {
  for (const auto& implementation : implementations()) {
    if (!implementation->takes(p) || implementation->maps() != maps) continue;
    INFO(implementation->name());
    body(*implementation);
  }
}

/// kImages: the side of fewer channels is images, in fp32; beside maps in fp16 they count as rounded to it.
enum class Thin { kMaps, kImages };

/// One of `count` equal parts.
std::vector<float> part(const std::vector<float>& all, std::size_t number, std::size_t count) {
  const auto size = static_cast<std::ptrdiff_t>(all.size() / count);
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(number) * size;
  return {first, first + size};
}

/// of_use: the problem of each of several uses.
void check_wgrad(const Conv2dProblem& of_use, engine::DType maps, bool with_second, Thin thin,
                 std::size_t uses) {
  Conv2dProblem p = of_use;  // of all uses' images: the sum is the same
  p.n *= static_cast<std::int64_t>(uses);
  const bool images = thin == Thin::kImages;
  INFO(to_string(maps) << (images ? " and images, " : ", ") << p.n << "×" << p.h << "×" << p.w << ", "
                       << p.in_channels[0] << "+" << p.in_channels[1] << " → " << p.out_channels
                       << " channels, kernel " << p.kernel << ", stride " << p.stride << ", dilation "
                       << p.dilation << ", padding " << p.padding << ", in " << uses << " uses");
  auto in0 = random_values(p.n * p.h * p.w * p.in_channels[0], 1);
  auto in1 = random_values(with_second ? p.n * p.h * p.w * p.in_channels[1] : 0, 2);
  auto dsum = random_values(p.n * p.out_h() * p.out_w() * p.out_channels, 3);
  const auto gradients =
      reference::convolve_backward(p, {stored(in0, maps), stored(in1, maps)}, stored(dsum, maps));
  const bool thin_in = p.total_in_channels() < p.out_channels;
  for (std::vector<float>* side : {&in0, &in1})
    if (!images || !thin_in) *side = stored(*side, maps);
  if (!images || thin_in) dsum = stored(dsum, maps);
  const auto before = random_values(p.out_channels * p.total_in_channels() * p.kernel * p.kernel, 4);
  const auto bias_before = random_values(p.out_channels, 5);

  for_each_trainer(p, maps, [&](const Implementation& implementation) {
    const auto written = run_repeatedly([&] {
      std::deque<GuardedArray> arrays;  // of each use three
      std::vector<kernels::Conv2dUse> each;
      for (std::size_t use = 0; use < uses; ++use) {
        const auto pointer = [&](const std::vector<float>& all) {
          return arrays.emplace_back(part(all, use, uses)).data();
        };
        each.push_back({{pointer(in0), pointer(in1)}, pointer(dsum)});
      }
      GuardedArray weight(before), bias(bias_before);
      const kernels::Conv2dWgradArguments arguments = {
          .uses = each, .dweight = weight.data(), .dbias = bias.data()};
      if (images)
        implementation.conv2d_wgrad_of_images(of_use, arguments);
      else
        implementation.conv2d_wgrad(of_use, arguments);
      for (GuardedArray& array : arrays) CHECK(array.intact());
      for (GuardedArray* array : {&weight, &bias}) CHECK(array->intact());
      return std::vector<std::vector<float>>{copy(weight), copy(bias)};
    });
    std::vector<double> expected, tolerance, bias, bias_tolerance;
    const std::size_t per_output = before.size() / static_cast<std::size_t>(p.out_channels);
    for (std::size_t k = 0; k < before.size(); ++k) {
      expected.push_back(static_cast<double>(before[k]) + gradients.weight[k]);
      tolerance.push_back(implementation.wgrad_tolerance(p, gradients.weight_magnitude[k],
                                                         gradients.bias_magnitude[k / per_output], 1) +
                          rounding(std::abs(expected[k]) + 1));
    }
    for (std::size_t o = 0; o < bias_before.size(); ++o) {
      bias.push_back(static_cast<double>(bias_before[o]) + gradients.bias[o]);
      bias_tolerance.push_back(
          sum_tolerance(static_cast<double>(p.n * p.out_h() * p.out_w()), gradients.bias_magnitude[o]) +
          rounding(std::abs(bias[o]) + 1));
    }
    check_close("dweight", {p.out_channels, p.total_in_channels(), p.kernel, p.kernel}, written[0], expected,
                tolerance);
    check_close("dbias", {p.out_channels}, written[1], bias, bias_tolerance);
  });
}

void check_wgrad(const Conv2dProblem& p, bool with_second = true, Thin thin = Thin::kMaps,
                 std::size_t uses = 1) {
  for (const engine::DType maps : stored_types()) check_wgrad(p, maps, with_second, thin, uses);
}

KERNEL_TEST_CASE("wgrad at ragged sizes and dilations", "[kernels][conv2d][backward]") {
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {3, 130}, {17, 23}, {33, 31}})
    check_wgrad(same_size(1, h, w, {32, 0}, 32));
  for (const std::int64_t dilation : {2, 4, 8, 16}) {
    check_wgrad(same_size(1, 5, 40, {32, 0}, 32, dilation));
    check_wgrad(same_size(2, 17, 23, {32, 0}, 32, dilation));
    check_wgrad(same_size(1, 1, 7, {32, 0}, 32, dilation));
  }
}

KERNEL_TEST_CASE("wgrad of two maps, of which the second may be absent", "[kernels][conv2d][backward]") {
  check_wgrad(same_size(2, 9, 14, {32, 32}, 128));
  check_wgrad(same_size(2, 9, 14, {32, 32}, 128), false);
  check_wgrad(same_size(1, 9, 14, {3, 3}, 32));
  check_wgrad(same_size(1, 9, 14, {3, 3}, 32), false);
}

KERNEL_TEST_CASE("wgrad of more rows than a GPU's slices take at once",
                 "[kernels][conv2d][backward][not_tsan]") {
  // At most 33 slices of these channels: each goes down eight rows, from phase to phase and image to image.
  check_wgrad(same_size(2, 132, 5, {32, 32}, 128, 4));
}

KERNEL_TEST_CASE("wgrad of several uses of the weights", "[kernels][conv2d][backward]") {
  // A GPU's slices are of four rows, so they end and begin within uses.
  for (const bool with_second : {true, false})
    check_wgrad(same_size(1, 5, 9, {32, 32}, 64), with_second, Thin::kMaps, 3);
  check_wgrad(same_size(2, 7, 9, {32, 0}, 32, 4), true, Thin::kMaps, kernels::kMostUses);
  check_wgrad(same_size(2, 3, 130, {32, 0}, 32), true, Thin::kMaps, 2);  // and strips within images
  check_wgrad(same_size(2, 3, 130, {3, 3}, 32), true, Thin::kImages, 2);
  check_wgrad(same_size(1, 7, 9, {17, 0}, 20), true, Thin::kMaps, 3);
  check_wgrad({1, 9, 11, {3, 0}, 20, 7, 2, 1, 3}, true, Thin::kMaps, 2);
  for (const Thin thin : {Thin::kMaps, Thin::kImages}) {
    check_wgrad(same_size(1, 7, 9, {32, 0}, 3, 2), true, thin, kernels::kMostUses);
    for (const bool with_second : {true, false})
      check_wgrad(same_size(2, 7, 9, {3, 3}, 32), with_second, thin, 6);
  }
}

KERNEL_TEST_CASE("wgrad of images at ragged sizes and dilations", "[kernels][conv2d][backward][not_tsan]") {
  struct Layer {
    std::array<std::int64_t, 2> in;
    std::int64_t out;
  };
  // SAPNet's first and last, of two tiles of maps, and of images of as many channels as are taken.
  for (const Layer& layer : {Layer{{3, 3}, 32}, {{32, 0}, 3}, {{4, 12}, 64}, {{32, 32}, 16}}) {
    const auto check = [&](std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t dilation) {
      check_wgrad(same_size(n, h, w, layer.in, layer.out, dilation), true, Thin::kImages);
    };
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {3, 130}, {17, 23}, {33, 31}})
      check(1, h, w, 1);
    check(2, 5, 40, 2);
    check(3, 17, 23, 4);
    check(1, 1, 7, 16);
    if (layer.in[1] > 0) check_wgrad(same_size(2, 9, 14, layer.in, layer.out), false, Thin::kImages);
  }
  // Slices of five rows each, from image to image.
  check_wgrad(same_size(2, 605, 3, {3, 3}, 32), true, Thin::kImages);
  check_wgrad(same_size(2, 605, 3, {32, 0}, 3), true, Thin::kImages);
}

KERNEL_TEST_CASE("wgrad with other channels, kernels, strides and paddings", "[kernels][conv2d][backward]") {
  for (const std::int64_t in_channels : {1, 6, 17, 40})
    for (const std::int64_t out_channels : {1, 3, 20, 64})
      check_wgrad(same_size(1, 5, 9, {in_channels, 0}, out_channels));
  check_wgrad({1, 9, 11, {8, 0}, 12, 1, 1, 1, 0});
  check_wgrad({2, 9, 11, {6, 0}, 33, 5, 1, 1, 2});
  check_wgrad({1, 13, 10, {3, 0}, 20, 7, 2, 1, 3});
  check_wgrad({1, 9, 11, {32, 0}, 32, 3, 2, 1, 1});
  check_wgrad({1, 9, 11, {32, 0}, 32, 3, 1, 1, 0});
  check_wgrad({1, 9, 11, {32, 0}, 32, 3, 1, 4, 1});
}

void check_dgrad(const Conv2dProblem& p, engine::DType maps, std::size_t map) {
  INFO(to_string(maps) << ", " << p.n << "×" << p.h << "×" << p.w << ", " << p.in_channels[map] << " of "
                       << p.total_in_channels() << " → " << p.out_channels << ", kernel " << p.kernel
                       << ", stride " << p.stride << ", dilation " << p.dilation << ", padding "
                       << p.padding);
  const std::int64_t filter = p.total_in_channels() * p.kernel * p.kernel;
  const auto weight =
      stored(random_values(p.out_channels * filter, 1, 2 / std::sqrt(static_cast<float>(filter))), maps);
  const auto dsum = stored(random_values(p.n * p.out_h() * p.out_w() * p.out_channels, 2), maps);
  const Conv2dProblem dgrad = kernels::dgrad_problem(p, map);
  REQUIRE(dgrad.out_h() == p.h);
  REQUIRE(dgrad.out_w() == p.w);
  const auto expected = reference::convolve_dgrad(p, map, weight, dsum);
  for_each_trainer(dgrad, maps, [&](const Implementation& implementation) {
    GuardedArray weights(weight), sums(dsum), din(expected.sum.size());
    GuardedArray spread(static_cast<std::size_t>(dgrad.n * dgrad.h * dgrad.w * p.out_channels));
    implementation.spread({p.n, p.out_h(), p.out_w(), p.out_channels, p.stride, dgrad.h, dgrad.w},
                          sums.data(), spread.data());
    GuardedArray reversed(weight.size());
    kernels::dgrad_weight(p, weights.data(), reversed.data());
    const std::int64_t taps_of_map = dgrad.in_channels[0] * p.kernel * p.kernel;
    const std::vector<float> all = copy(reversed);
    const auto first = all.begin() + (map == 0 ? 0 : p.in_channels[0] * taps_of_map);
    const std::vector<float> of_map(first, first + dgrad.out_channels * taps_of_map);
    kernels::Conv2dArguments arguments;
    arguments.in = {spread.data(), nullptr};
    arguments.weight = of_map.data();
    arguments.out = din.data();
    implementation.conv2d(dgrad, arguments);
    for (GuardedArray* array : {&weights, &sums, &spread, &reversed, &din}) CHECK(array->intact());
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

/// before: what is in the gradients already. wanted: which gradients are.
void check_joint_dgrad(const Conv2dProblem& p, engine::DType maps, std::array<bool, 2> before,
                       std::array<bool, 2> wanted) {
  INFO(to_string(maps) << ", " << p.in_channels[0] << "+" << p.in_channels[1] << " → " << p.out_channels
                       << ", dilation " << p.dilation << ", before " << before[0] << before[1] << ", wanted "
                       << wanted[0] << wanted[1]);
  const std::int64_t filter = p.total_in_channels() * p.kernel * p.kernel;
  const auto weight =
      stored(random_values(p.out_channels * filter, 1, 2 / std::sqrt(static_cast<float>(filter))), maps);
  const auto dsum = stored(random_values(p.n * p.h * p.w * p.out_channels, 2), maps);
  REQUIRE(kernels::has_joint_dgrad(p));
  const Conv2dProblem dgrad = kernels::joint_dgrad_problem(p);
  const std::int64_t map_size = p.n * p.h * p.w * dgrad.out_map_channels();
  std::vector<float> reversed(weight.size());
  kernels::dgrad_weight(p, weight.data(), reversed.data());
  const std::array<std::vector<float>, 2> there = {stored(random_values(before[0] ? map_size : 0, 3), maps),
                                                   stored(random_values(before[1] ? map_size : 0, 4), maps)};
  const std::array exact = {reference::convolve_dgrad(p, 0, weight, dsum),
                            reference::convolve_dgrad(p, 1, weight, dsum)};
  for_each_trainer(dgrad, maps, [&](const Implementation& implementation) {
    const auto written = run_repeatedly([&] {
      GuardedArray sums(dsum);
      // One gradient is added to in place, the other is new.
      GuardedArray first(there[0]), second(there[1]);
      GuardedArray separate(static_cast<std::size_t>(wanted[0] ? map_size : 0)),
          fresh(static_cast<std::size_t>(wanted[1] && !before[1] ? map_size : 0));
      GuardedArray& second_out = before[1] ? second : fresh;
      implementation.conv2d(dgrad, {.in = {sums.data(), nullptr},
                                    .weight = reversed.data(),
                                    .residual = first.data(),
                                    .out = separate.data(),
                                    .second_residual = second.data(),
                                    .second_out = wanted[1] ? second_out.data() : nullptr});
      for (GuardedArray* array : {&sums, &first, &second, &separate, &fresh}) CHECK(array->intact());
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
    // By rows, and on a GPU by definition.
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

// Held against the numeric derivative of what follows a convolution's sum.
void check_epilogue(const Epilogue& options, engine::DType maps) {
  INFO(to_string(maps) << ", ReLU " << options.relu << ", residual " << options.residual << ", scale "
                       << options.scale << ", shift " << options.shift << ", in place " << options.in_place
                       << ", before " << options.before);
  const Conv2dProblem p = same_size(2, 3, 5, {1, 0}, 7);
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
    const std::size_t channels = static_cast<std::size_t>(p.out_channels), per_image = count / 2;
    if (options.shift) expected[k] += static_cast<double>(shift[k / per_image * channels + k % channels]);
    if (options.before) expected_residual[k] += static_cast<double>(before[k]);
  }

  const auto out = reference::finish(p, doubles(sum), doubles(scale), doubles(residual), options.relu);
  const auto inner = reference::finish(p, doubles(sum), doubles(scale), {}, options.relu);
  const auto floats = [](const std::vector<double>& v) { return std::vector<float>(v.begin(), v.end()); };
  for_each_trainer(p, maps, [&](const Implementation& implementation) {
    const auto written = run_repeatedly([&] {
      GuardedArray douts(dout), outs(floats(out)), inners(floats(inner)), scales(scale), shifts(shift),
          befores(before);
      GuardedArray separate_dsum(count), separate_dresidual(options.residual ? count : 0);
      GuardedArray& dsum = options.in_place ? douts : separate_dsum;
      GuardedArray& dresidual = options.in_place && options.before ? befores : separate_dresidual;
      implementation.conv2d_epilogue_backward(
          p, {.dout = douts.data(),
              .out = options.relu ? outs.data() : nullptr,
              .inner = options.relu && options.residual ? inners.data() : nullptr,
              .scale = scales.data(),
              .shift = shifts.data(),
              .dsum = dsum.data(),
              .dresidual_before = befores.data(),
              .dresidual = dresidual.data()});
      for (GuardedArray* array :
           {&douts, &outs, &inners, &scales, &shifts, &befores, &separate_dsum, &separate_dresidual})
        CHECK(array->intact());
      return std::vector<std::vector<float>>{copy(dsum), copy(dresidual)};
    });
    const std::vector<double> tolerance(count, storage_rounding(maps, 3));
    check_close("dsum", {p.n, p.h, p.w, p.out_channels}, written[0], expected, tolerance);
    if (options.residual)
      check_close("dresidual", {p.n, p.h, p.w, p.out_channels}, written[1], expected_residual, tolerance);
  });
}

void check_epilogue(const Epilogue& options) {
  for (const engine::DType maps : stored_types()) check_epilogue(options, maps);
}

KERNEL_TEST_CASE("the way back through what follows the sum", "[kernels][conv2d][backward]") {
  for (int bits = 0; bits < 32; ++bits) {
    Epilogue options{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
    check_epilogue(options);
    if (!options.residual) continue;
    options.before = true;
    check_epilogue(options);
  }
}

KERNEL_TEST_CASE("a convolution keeps what its residual is added to", "[kernels][conv2d][backward]") {
  for (const auto& p : {same_size(2, 9, 70, {32, 0}, 32, 2), same_size(1, 5, 7, {6, 0}, 20),
                        same_size(2, 5, 7, {64, 0}, 64), Conv2dProblem{1, 5, 7, {6, 0}, 20, 1, 1, 1, 0}}) {
    for (const auto& each : implementations()) {
      const Implementation& implementation = *each;
      if (!implementation.takes(p)) continue;
      INFO(implementation.name());
      const auto count = static_cast<std::size_t>(p.n * p.h * p.w * p.out_channels);
      GuardedArray in(random_values(p.n * p.h * p.w * p.in_channels[0], 1)),
          weight(random_values(p.out_channels * p.in_channels[0] * p.kernel * p.kernel, 2, 0.1F)),
          residual(random_values(static_cast<std::int64_t>(count), 3)), alone(count), out(count),
          inner(count);
      kernels::Conv2dArguments arguments;
      arguments.in = {in.data(), nullptr};
      arguments.weight = weight.data();
      arguments.relu = true;
      arguments.out = alone.data();
      implementation.conv2d(p, arguments);
      arguments.out = out.data();
      arguments.residual = residual.data();
      arguments.inner = inner.data();
      implementation.conv2d(p, arguments);
      for (GuardedArray* array : {&in, &weight, &residual, &alone, &out, &inner}) CHECK(array->intact());
      check_same_bits("inner", inner.values(), alone.values());
    }
  }
}

}  // namespace
}  // namespace sapnet::tests
