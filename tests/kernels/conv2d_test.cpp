#include "kernels/conv2d/conv2d.h"

#include <cmath>

#include "kernels/simd.h"
#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/conv2d_problems.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/kernels/summed.h"
#include "tests/reference/conv2d.h"

namespace sapnet::tests {
namespace {

using kernels::Conv2dArguments;
using kernels::Conv2dProblem;

struct Options {
  bool bias = true, relu = true, scale = false, residual = false;
  bool in_place = false;  // the residual aliases `out`
  bool relu_after_residual = false;
  std::int64_t sums_dilation = 0;  // 0: no shifted sums
  // The side with fewer channels is an fp32 image; as an input, kernels round its weights to fp16 if the
  // output is fp16.
  bool image = false;
};

/// Runs one problem on every implementation that supports it with this storage type, and compares with the
/// reference.
void check(const Conv2dProblem& p, const Options& options, engine::DType maps) {
  INFO(p.n << "×" << p.h << "×" << p.w << ", " << p.in_channels[0] << "+" << p.in_channels[1] << "→"
           << p.out_channels << ", kernel " << p.kernel << ", stride " << p.stride << ", dilation "
           << p.dilation << ", padding " << p.padding);
  INFO("bias " << options.bias << ", relu " << options.relu << ", scale " << options.scale << ", residual "
               << options.residual << ", in place " << options.in_place << ", one ReLU "
               << options.relu_after_residual << ", shifted sums for dilation " << options.sums_dilation
               << ", image " << options.image);
  const std::int64_t out_count = p.n * p.out_h() * p.out_w() * p.out_channels;
  const std::int64_t taps = p.total_in_channels() * p.kernel * p.kernel;
  const bool image_in = options.image && p.total_in_channels() < p.out_channels;
  const engine::DType from = image_in ? engine::DType::kFloat32 : maps;
  const engine::DType to = options.image && !image_in ? engine::DType::kFloat32 : maps;
  const auto in0 = stored(random_values(p.n * p.h * p.w * p.in_channels[0], 1), from);
  const auto in1 = stored(random_values(p.n * p.h * p.w * p.in_channels[1], 2), from);
  const auto weight =
      // for outputs of about 1
      stored(random_values(p.out_channels * taps, 3, 2 / std::sqrt(static_cast<float>(taps))), from);
  const auto bias = random_values(options.bias ? p.out_channels : 0, 4);
  const auto scale = random_values(options.scale ? p.n * p.out_channels : 0, 5);
  const auto residual = stored(random_values(options.residual ? out_count : 0, 6), to);

  const auto reference = reference::convolve(p, {in0, in1}, stored(weight, maps), bias);
  const std::vector<double> exact_scale(scale.begin(), scale.end()),
      exact_residual(residual.begin(), residual.end());
  const auto expected = reference::finish(p, reference.sum, exact_scale, exact_residual, options.relu,
                                          options.relu_after_residual);

  for_each_implementation(p, maps, [&](const Implementation& implementation) {
    const auto written = run_repeatedly([&] {
      const Implementation packing = from == maps ? implementation : Implementation(from);
      GuardedArray map0(in0), map1(in1), weights(packing.packed(p, weight)), biases(bias), scales(scale),
          residuals(residual);
      GuardedArray separate_out(static_cast<std::size_t>(out_count));
      GuardedArray& out = options.in_place ? residuals : separate_out;
      const std::int64_t partials =
          options.sums_dilation > 0
              ? implementation.with_context([&](const auto& context) { return conv2d_partials(context, p); })
              : 0;
      GuardedArray sums(static_cast<std::size_t>(p.n * partials * 9 * p.out_channels));
      Conv2dArguments<> arguments;
      arguments.in = {map0.data(), map1.data()};
      arguments.weight = weights.data();
      arguments.bias = biases.data();
      arguments.scale = scales.data();
      arguments.residual = residuals.data();
      arguments.relu = options.relu;
      arguments.relu_after_residual = options.relu_after_residual;
      arguments.out = out.data();
      arguments.shifted_sums = sums.data();
      arguments.sums_dilation = options.sums_dilation;
      if (from == to)
        implementation.run(OPERATION(conv2d), p, arguments);
      else if (image_in)
        implementation.run_as(OPERATION(conv2d), p, arguments,
                              []<class T>(T) { return Conv2dArguments<float, T>(); });
      else
        implementation.run_as(OPERATION(conv2d), p, arguments,
                              []<class T>(T) { return Conv2dArguments<T, float>(); });
      return std::vector<std::vector<float>>{copy(out), copy(sums)};
    });

    auto tolerance = sum_tolerances(implementation, p, reference.magnitude, weight, bias, 1);
    for (std::size_t k = 0; k < tolerance.size(); ++k) {
      const auto channels = static_cast<std::size_t>(p.out_channels);
      const std::size_t per_image = tolerance.size() / static_cast<std::size_t>(p.n);
      const double s = scale.empty() ? 1 : std::abs(exact_scale[k / per_image * channels + k % channels]);
      const double added = residual.empty() ? 0 : 1;
      tolerance[k] = s * tolerance[k] + storage_rounding(to, s * std::abs(reference.sum[k]) + added);
      // The GEMM stores its result before the bias is added, possibly including the residual.
      if (p.kernel == 1) tolerance[k] += s * storage_rounding(to, std::abs(reference.sum[k]) + 1 + added);
    }
    check_close("out", {p.n, p.out_h(), p.out_w(), p.out_channels}, written[0], expected, tolerance);

    if (options.sums_dilation == 0) return;
    check_shifted_sums({p.n, p.out_h(), p.out_w(), p.out_channels, options.sums_dilation}, written[0],
                       written[1]);
  });
}

void check(const Conv2dProblem& p, const Options& options) {
  for (const engine::DType maps : stored_types()) check(p, options, maps);
}

TEST_CASE("the kernels are tested with every SIMD instruction set", "[kernels][simd]") {
  for (const std::int64_t target : kernels::simd_targets()) WARN("tested: " << kernels::simd_name(target));
  for (const std::int64_t target : kernels::missing_simd_targets())
    WARN("not tested, this CPU lacks it: " << kernels::simd_name(target));
  CHECK(!kernels::simd_targets().empty());
}

TEST_CASE("conv2d chooses the fast algorithm where supported", "[kernels][conv2d]") {
  const auto is_fast = [](const Conv2dProblem& p) {
    return kernels::fastest_algorithm(p) == kernels::Conv2dAlgorithm::kWinograd;
  };
  CHECK(is_fast(same_size(1, 5, 9, {32, 0}, 32)));
  CHECK(is_fast(same_size(1, 5, 9, {64, 32}, 96, 16)));
  CHECK(is_fast(same_size(1, 5, 9, {32, 32}, 128)));
  CHECK(!is_fast(same_size(1, 5, 9, {16, 0}, 32)));
  CHECK(!is_fast(same_size(1, 5, 9, {32, 16}, 32)));
  CHECK(!is_fast(same_size(1, 5, 9, {32, 0}, 16)));
  CHECK(!is_fast({1, 5, 9, {32, 0}, 32, 5, 1, 1, 1}));
  CHECK(!is_fast({1, 5, 9, {32, 0}, 32, 3, 2, 1, 1}));
  CHECK(!is_fast({1, 5, 9, {32, 0}, 32, 3, 1, 2, 1}));
  using kernels::Conv2dAlgorithm;
  CHECK(kernels::fastest_algorithm(same_size(1, 5, 9, {32, 0}, 3)) == Conv2dAlgorithm::kRgbOutput);
  CHECK(kernels::fastest_algorithm(same_size(1, 5, 9, {24, 0}, 3)) == Conv2dAlgorithm::kDirect);
  CHECK(kernels::fastest_algorithm(same_size(1, 5, 9, {16, 8}, 3)) == Conv2dAlgorithm::kDirect);
}

#ifdef SAPNET_CUDA
TEST_CASE("conv2d chooses the fast kernels on a GPU", "[kernels][conv2d]") {
  using kernels::cuda::conv2d_path, kernels::cuda::Conv2dPath;
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 0}, 32, 16)) == Conv2dPath::kRows);
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 32}, 128, 4)) == Conv2dPath::kRows);
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 32}, 128, 5)) == Conv2dPath::kIgemm);
  CHECK(conv2d_path(same_size(1, 5, 9, {64, 0}, 64)) == Conv2dPath::kIgemm);
  CHECK(conv2d_path(same_size(1, 5, 9, {512, 0}, 512)) == Conv2dPath::kIgemm);
  CHECK(conv2d_path({1, 5, 9, {256, 0}, 512, 1, 2, 1, 0}) == Conv2dPath::kIgemm);
  CHECK(conv2d_path({1, 5, 9, {64, 0}, 256, 1, 1, 1, 0}) == Conv2dPath::kMatmul);
  CHECK(conv2d_path({1, 5, 9, {3, 0}, 4, 1, 1, 1, 0}) == Conv2dPath::kMatmul);
  CHECK(conv2d_path({1, 5, 9, {32, 32}, 64, 1, 1, 1, 0}) == Conv2dPath::kIgemm);
  CHECK(conv2d_path({1, 5, 9, {64, 0}, 64, 1, 1, 1, 1}) == Conv2dPath::kIgemm);
  CHECK(conv2d_path({1, 5, 9, {128, 0}, 21, 1, 1, 1, 0}) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {48, 0}, 64)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {64, 16}, 64)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {64, 0}, 96)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {3, 3}, 32)) == Conv2dPath::kThin);
  CHECK(conv2d_path(same_size(1, 5, 9, {3, 0}, 64, 4)) == Conv2dPath::kThin);
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 0}, 3)) == Conv2dPath::kThin);
  CHECK(conv2d_path(same_size(1, 5, 9, {64, 0}, 8)) == Conv2dPath::kThin);
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 0}, 3, 5)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 0}, 9)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {32, 32}, 3)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {8, 0}, 32)) == Conv2dPath::kThin);
  CHECK(conv2d_path(same_size(1, 5, 9, {9, 0}, 32)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {4, 4}, 32)) == Conv2dPath::kThin);
  CHECK(conv2d_path(same_size(1, 5, 9, {3, 5}, 32)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {5, 3}, 32)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path(same_size(1, 5, 9, {3, 0}, 48)) == Conv2dPath::kGeneric);
  CHECK(conv2d_path({1, 5, 9, {3, 0}, 64, 3, 2, 1, 1}) == Conv2dPath::kGeneric);
}
#endif

TEST_CASE("conv2d has one output per kernel position", "[kernels][conv2d]") {
  for (const std::int64_t h : {1, 2, 3, 4, 5, 6, 7, 11})
    for (const std::int64_t kernel : {1, 2, 3, 5})
      for (const std::int64_t stride : {1, 2, 3, 8})
        for (const std::int64_t dilation : {1, 2, 3})
          for (const std::int64_t padding : {0, 1, 2}) {
            std::int64_t places = 0;
            for (std::int64_t y = -padding; y + dilation * (kernel - 1) < h + padding; y += stride) ++places;
            INFO(h << " rows, kernel " << kernel << ", stride " << stride << ", dilation " << dilation
                   << ", padding " << padding);
            CHECK(Conv2dProblem{1, h, h + 1, {1, 0}, 1, kernel, stride, dilation, padding}.out_h() == places);
            CHECK(Conv2dProblem{1, h + 1, h, {1, 0}, 1, kernel, stride, dilation, padding}.out_w() == places);
          }
}

KERNEL_TEST_CASE("conv2d at ragged sizes", "[kernels][conv2d]") {
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {2, 2}, {3, 200}, {17, 23}, {33, 31}, {48, 50}})
    check(same_size(1, h, w, {32, 0}, 32), {});
  check(same_size(2, 17, 23, {32, 0}, 32), {});
  check(same_size(3, 5, 9, {32, 0}, 32), {});
  check(same_size(1, 1, 481, {32, 0}, 32), {});
}

KERNEL_TEST_CASE("conv2d with dilation", "[kernels][conv2d]") {
  for (const std::int64_t dilation : {2, 4, 8, 16}) {
    check(same_size(1, 5, 40, {32, 0}, 32, dilation), {});
    check(same_size(1, 33, 31, {32, 0}, 32, dilation), {});
    check(same_size(2, 1, 1, {32, 0}, 32, dilation), {});
    check(same_size(1, 1, 7, {32, 0}, 32, dilation), {});
  }
  check(same_size(1, 17, 23, {32, 0}, 32, 3), {});
  check(same_size(1, 70, 5, {32, 0}, 32, 16), {});
}

KERNEL_TEST_CASE("conv2d with other numbers of channels", "[kernels][conv2d]") {
  for (const std::int64_t in_channels : {1, 3, 6, 8, 17, 64, 96})
    for (const std::int64_t out_channels : {1, 3, 32, 40, 96})
      check(same_size(1, 5, 9, {in_channels, 0}, out_channels), {});
  check(same_size(1, 33, 31, {32, 0}, 3), {});
  check(same_size(1, 33, 31, {3, 0}, 32), {});
  check(same_size(1, 17, 23, {64, 0}, 128), {});
}

KERNEL_TEST_CASE("conv2d to an RGB image", "[kernels][conv2d]") {
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 9}, {3, 10}, {2, 19}, {17, 23}})
    check(same_size(2, h, w, {32, 0}, 3), {});
  check(same_size(1, 5, 21, {16, 48}, 3, 2), {});
  check({2, 9, 20, {64, 0}, 3, 3, 2, 1, 1}, {});
  check({1, 5, 12, {16, 0}, 3, 1, 1, 1, 0}, {.bias = false, .relu = false});
  Options options{.scale = true, .residual = true, .in_place = true};
  options.sums_dilation = 2;
  check(same_size(2, 6, 13, {32, 0}, 3), options);
}

KERNEL_TEST_CASE("conv2d from and to images", "[kernels][conv2d]") {
  struct Layer {
    std::array<std::int64_t, 2> in;
    std::int64_t out;
  };
  // SAPNet's first and last layer, VGG-16's first, and dgrads of them; then other numbers of channels.
  for (const Layer& layer : {Layer{{3, 3}, 32},
                             {{32, 0}, 3},
                             {{3, 0}, 64},
                             {{64, 0}, 3},
                             {{4, 1}, 32},
                             {{6, 0}, 32},
                             {{32, 0}, 8},
                             {{32, 0}, 5}}) {
    const auto check_layer = [&](std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t dilation,
                                 Options options = {}) {
      const Conv2dProblem p = same_size(n, h, w, layer.in, layer.out, dilation);
      check(p, options);
      options.image = true;
      check(p, options);
    };
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {3, 70}, {17, 23}, {70, 5}})
      check_layer(1, h, w, 1);
    check_layer(3, 9, 65, 1);
    check_layer(2, 17, 23, 2);
    check_layer(1, 38, 9, 4);
    Options options{.scale = true, .residual = true};
    check_layer(3, 17, 23, 1, options);
    options.in_place = true;
    options.sums_dilation = 2;
    check_layer(2, 5, 9, 1, options);
    check_layer(1, 5, 9, 1, {.bias = false, .relu = false, .residual = true});
    check_layer(1, 5, 9, 1, {.residual = true, .relu_after_residual = true});
  }
}

KERNEL_TEST_CASE("conv2d with many channels", "[kernels][conv2d]") {
  check(same_size(3, 6, 7, {64, 0}, 64), {});   // 126 pixels: slightly less than a GPU block
  check(same_size(1, 3, 43, {64, 0}, 64), {});  // one more than a block
  check(same_size(1, 1, 1, {128, 0}, 128), {});
  check(same_size(2, 5, 13, {32, 64}, 64, 2), {});
  check({2, 9, 7, {96, 0}, 64, 3, 2, 1, 1}, {});
  check({1, 9, 8, {64, 0}, 64, 3, 2, 3, 2}, {});
  check({1, 5, 6, {64, 0}, 64, 3, 1, 1, 0}, {});
  check({1, 5, 6, {32, 0}, 64, 2, 1, 1, 2}, {});
  check({3, 5, 5, {64, 0}, 128, 1, 2, 1, 0}, {});
  Options options{.scale = true, .residual = true};
  check(same_size(5, 2, 19, {64, 0}, 64), options);  // images end within a block and a warp
  options.in_place = true;
  options.sums_dilation = 2;
  check(same_size(2, 3, 5, {64, 0}, 64), options);
  check(same_size(2, 3, 5, {64, 0}, 64), {.bias = false, .relu = false, .residual = true});
  check(same_size(2, 3, 5, {64, 0}, 64), {.residual = true, .relu_after_residual = true});
}

KERNEL_TEST_CASE("conv2d with 1x1 kernels", "[kernels][conv2d]") {
  const auto problem = [](std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t in_channels,
                          std::int64_t out_channels) -> Conv2dProblem {
    return {n, h, w, {in_channels, 0}, out_channels, 1, 1, 1, 0};
  };
  check(problem(1, 3, 7, 64, 256), {});
  check(problem(3, 3, 5, 256, 64), {});
  check(problem(2, 1, 3, 2048, 256), {});
  check(problem(1, 1, 1, 5, 12), {});
  check(problem(2, 5, 3, 16, 7), {});
  check(problem(2, 3, 5, 24, 20), {.bias = false, .relu = false});
  for (int bits = 0; bits < 16; ++bits) {
    Options options{.relu = (bits & 1) != 0,
                    .scale = (bits & 2) != 0,
                    .residual = true,
                    .in_place = (bits & 4) != 0,
                    .relu_after_residual = (bits & 8) != 0};
    check(problem(2, 3, 5, 24, 20), options);
    options.bias = false;
    options.sums_dilation = 1;
    check(problem(1, 2, 3, 24, 20), options);
  }
}

KERNEL_TEST_CASE("conv2d of two concatenated maps", "[kernels][conv2d]") {
  check(same_size(1, 17, 23, {3, 3}, 32), {});
  for (const std::int64_t dilation : {1, 4, 16}) check(same_size(1, 17, 23, {32, 32}, 128, dilation), {});
  check(same_size(2, 6, 11, {32, 64}, 32), {});
  check(same_size(2, 6, 11, {64, 32}, 96, 2), {});
  check(same_size(1, 6, 11, {5, 32}, 32), {});
  check(same_size(1, 6, 11, {32, 1}, 32), {});
}

KERNEL_TEST_CASE("conv2d with other kernels, strides and paddings", "[kernels][conv2d]") {
  check({1, 17, 23, {32, 0}, 32, 1, 1, 1, 0}, {});
  check({2, 17, 23, {6, 0}, 33, 5, 1, 1, 2}, {});
  check({1, 33, 31, {3, 0}, 64, 7, 2, 1, 3}, {});
  check({1, 48, 50, {32, 0}, 32, 3, 2, 1, 1}, {});
  check({2, 17, 23, {32, 0}, 32, 1, 2, 1, 0}, {});
  check({1, 17, 23, {32, 0}, 32, 3, 1, 1, 0}, {});
  check({1, 17, 23, {32, 0}, 32, 3, 1, 1, 2}, {});
  check({1, 17, 23, {32, 0}, 32, 3, 1, 4, 1}, {});
  check({1, 17, 23, {32, 0}, 32, 3, 2, 2, 2}, {});
  check({1, 17, 23, {8, 8}, 16, 3, 3, 1, 1}, {});
  check({1, 3, 3, {32, 0}, 32, 3, 1, 1, 0}, {});
}

KERNEL_TEST_CASE("conv2d with every combination of epilogue steps", "[kernels][conv2d]") {
  for (int bits = 0; bits < 16; ++bits) {
    Options options{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    for (const std::int64_t channels : {3, 32}) {
      check(same_size(2, 6, 11, {32, 0}, channels), options);
      if (!options.residual) continue;
      Options in_place = options;
      in_place.in_place = true;
      check(same_size(2, 6, 11, {32, 0}, channels), in_place);
      check(same_size(1, 17, 23, {32, 0}, channels, 4), in_place);
      options.relu_after_residual = true;
      check(same_size(2, 6, 11, {32, 0}, channels), options);
    }
  }
}

KERNEL_TEST_CASE("conv2d writes the shifted sums of its output", "[kernels][conv2d]") {
  for (const std::int64_t dilation : {1, 2, 16}) {
    Options options;
    options.sums_dilation = dilation;
    check(same_size(2, 17, 23, {32, 0}, 32), options);
    check(same_size(1, 33, 31, {32, 0}, 32, 8), options);
    check(same_size(1, 3, 200, {32, 0}, 64), options);
    check(same_size(1, 1, 1, {32, 0}, 32), options);
    check(same_size(1, 5, 9, {6, 0}, 3), options);
    check({1, 17, 23, {8, 0}, 20, 3, 2, 1, 1}, options);
    options.scale = options.residual = options.in_place = true;
    check(same_size(2, 5, 40, {32, 0}, 32, 16), options);
  }
}

}  // namespace
}  // namespace sapnet::tests
