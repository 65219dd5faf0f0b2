// The gradients of a convolution's weight and bias.
#include <array>
#include <cmath>
#include <deque>
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/conv2d_problems.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/conv2d.h"

namespace sapnet::tests {
namespace {

using kernels::Conv2dProblem;

/// kImages: the side with fewer channels is an fp32 image, which kernels round to fp16 if the maps are fp16.
enum class Thin { kMaps, kImages };

/// One of `count` equal parts.
std::vector<float> part(const std::vector<float>& all, std::size_t number, std::size_t count) {
  const auto size = static_cast<std::ptrdiff_t>(all.size() / count);
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(number) * size;
  return {first, first + size};
}

/// of_use: the problem of each of `inputs` inputs.
void check_wgrad(const Conv2dProblem& of_use, engine::DType maps, bool with_second, Thin thin,
                 std::size_t inputs) {
  Conv2dProblem p = of_use;  // all inputs as one batch, which has the same gradient
  p.n *= static_cast<std::int64_t>(inputs);
  const bool images = thin == Thin::kImages;
  INFO(to_string(maps) << (images ? " and images, " : ", ") << p.n << "×" << p.h << "×" << p.w << ", "
                       << p.in_channels[0] << "+" << p.in_channels[1] << " → " << p.out_channels
                       << " channels, kernel " << p.kernel << ", stride " << p.stride << ", dilation "
                       << p.dilation << ", padding " << p.padding << ", in " << inputs << " inputs");
  auto in0 = random_values(p.n * p.h * p.w * p.in_channels[0], 1);
  auto in1 = random_values(with_second ? p.n * p.h * p.w * p.in_channels[1] : 0, 2);
  auto grad_preactivation = random_values(p.n * p.out_h() * p.out_w() * p.out_channels, 3);
  const auto gradients = reference::convolve_backward(p, {stored(in0, maps), stored(in1, maps)},
                                                      stored(grad_preactivation, maps));
  const bool thin_in = p.total_in_channels() < p.out_channels;
  for (std::vector<float>* side : {&in0, &in1})
    if (!images || !thin_in) *side = stored(*side, maps);
  if (!images || thin_in) grad_preactivation = stored(grad_preactivation, maps);
  const auto before = random_values(p.out_channels * p.total_in_channels() * p.kernel * p.kernel, 4);
  const auto bias_before = random_values(p.out_channels, 5);

  for_each_implementation(p, maps, [&](const Implementation& implementation) {
    const auto written = run_repeatedly([&] {
      std::deque<GuardedArray> arrays;  // three per input
      kernels::Conv2dWgradArguments<> arguments{.count = inputs};
      for (std::size_t input = 0; input < inputs; ++input) {
        const auto pointer = [&](const std::vector<float>& all) {
          return arrays.emplace_back(part(all, input, inputs)).data();
        };
        arguments.inputs[input] = {{pointer(in0), pointer(in1)}, pointer(grad_preactivation)};
      }
      GuardedArray weight(before), bias(bias_before);
      arguments.dweight = weight.data();
      arguments.dbias = bias.data();
      const auto wgrad = OPERATION(conv2d_wgrad);
      if (!images)
        implementation.run(wgrad, of_use, arguments);
      else if (thin_in)  // images are fp32 for either type of maps
        implementation.run_as(wgrad, of_use, arguments,
                              []<class T>(T) { return kernels::Conv2dWgradArguments<float, T>(); });
      else
        implementation.run_as(wgrad, of_use, arguments,
                              []<class T>(T) { return kernels::Conv2dWgradArguments<T, float>(); });
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
                 std::size_t inputs = 1) {
  for (const engine::DType maps : stored_types()) check_wgrad(p, maps, with_second, thin, inputs);
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

KERNEL_TEST_CASE("wgrad of two maps, with and without the second", "[kernels][conv2d][backward][not_tsan]") {
  check_wgrad(same_size(2, 9, 14, {32, 32}, 128));
  check_wgrad(same_size(2, 9, 14, {32, 32}, 128), false);
  check_wgrad(same_size(1, 9, 14, {3, 3}, 32));
  check_wgrad(same_size(1, 9, 14, {3, 3}, 32), false);
}

KERNEL_TEST_CASE("wgrad of more rows than one GPU slice", "[kernels][conv2d][backward][not_tsan]") {
  // With these channels there are at most 33 slices; each has eight rows, across phases and images.
  check_wgrad(same_size(2, 132, 5, {32, 32}, 128, 4));
}

KERNEL_TEST_CASE("wgrad summed over several inputs", "[kernels][conv2d][backward]") {
  // A slice on a GPU has four rows, so slices begin and end within inputs.
  for (const bool with_second : {true, false})
    check_wgrad(same_size(1, 5, 9, {32, 32}, 64), with_second, Thin::kMaps, 3);
  check_wgrad(same_size(2, 7, 9, {32, 0}, 32, 4), true, Thin::kMaps, kernels::kMaxWgradInputs);
  check_wgrad(same_size(2, 3, 130, {32, 0}, 32), true, Thin::kMaps, 2);  // and between the strips of an image
  check_wgrad(same_size(2, 3, 130, {3, 3}, 32), true, Thin::kImages, 2);
  check_wgrad(same_size(1, 7, 9, {17, 0}, 20), true, Thin::kMaps, 3);
  check_wgrad({1, 9, 11, {3, 0}, 20, 7, 2, 1, 3}, true, Thin::kMaps, 2);
  for (const Thin thin : {Thin::kMaps, Thin::kImages}) {
    check_wgrad(same_size(1, 7, 9, {32, 0}, 3, 2), true, thin, kernels::kMaxWgradInputs);
    for (const bool with_second : {true, false})
      check_wgrad(same_size(2, 7, 9, {3, 3}, 32), with_second, thin, 6);
  }
}

KERNEL_TEST_CASE("wgrad of images at ragged sizes and dilations", "[kernels][conv2d][backward][not_tsan]") {
  struct Layer {
    std::array<std::int64_t, 2> in;
    std::int64_t out;
  };
  // SAPNet's first and last layer, two tiles of maps, and images with the largest supported number of
  // channels.
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
  // Slices of five rows each, across images.
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

}  // namespace
}  // namespace sapnet::tests
