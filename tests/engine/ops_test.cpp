// What the operations refuse. What they compute is tested in tests/kernels and tests/golden.
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"

namespace sapnet::engine {
namespace {

/// A tensor of a weight file, named "weight", all zero.
Parameter parameter(std::vector<std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return {"weight", std::move(shape), std::vector<float>(static_cast<std::size_t>(count))};
}

Tensor map(const Shape& shape, DType dtype = DType::kFloat32) { return {shape, Device::kCpu, dtype}; }

Conv2dWeights conv2d_weights(std::int64_t kernel, const Conv2dGeometry& geometry) {
  return {parameter({16, 8, kernel, kernel}), parameter({16}), {8, 0}, geometry, {}};
}

ConvLstmWeights conv_lstm_weights() {
  const Parameter weight = parameter({16, 24, 3, 3}), bias = parameter({16});
  return {{&weight, &weight, &weight, &weight}, {&bias, &bias, &bias, &bias}, {}};
}

AttendedConvWeights attended_conv_weights(std::int64_t dilation) {
  return {parameter({8, 8, 3, 3}),
          parameter({8}),
          parameter({2, 8, 1, 1}),
          parameter({8, 2, 1, 1}),
          parameter({8, 8, 1, 1}),
          dilation,
          {}};
}

/// A map of 8 channels and its shifted sums for that dilation.
SummedMap summed_map(std::int64_t dilation) { return {map({2, 5, 7, 8}), map({2, 5, 9, 8}), dilation}; }

TEST_CASE("conv2d refuses steps that lead nowhere", "[ops]") {
  CHECK_THROWS_WITH(conv2d_weights(3, {.stride = 0}), "conv2d: stride must be at least 1, not 0");
  CHECK_THROWS_WITH(conv2d_weights(3, {.stride = -2}), "conv2d: stride must be at least 1, not -2");
  CHECK_THROWS_WITH(conv2d_weights(3, {.dilation = 0}), "conv2d: dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(conv2d_weights(3, {.padding = -1}), "conv2d: padding must be at least 0, not -1");
}

TEST_CASE("conv2d refuses an input that the kernel does not fit into", "[ops]") {
  // The kernel spans dilation · (kernel - 1) + 1 rows and columns.
  const auto output = [](std::int64_t kernel, const Conv2dGeometry& geometry, const Shape& input) {
    return conv2d(map(input), conv2d_weights(kernel, geometry)).shape();
  };
  CHECK(output(5, {.padding = 0}, {1, 5, 6, 8}) == Shape{1, 1, 2, 16});
  CHECK_THROWS_WITH(output(5, {.padding = 0}, {1, 4, 6, 8}),
                    "conv2d: a kernel of 5×5 with dilation 1 does not fit into an input of shape "
                    "(1, 4, 6, 8) with padding 0");
  CHECK(output(3, {.stride = 4, .dilation = 3, .padding = 1}, {2, 5, 5, 8}) == Shape{2, 1, 1, 16});
  CHECK_THROWS_WITH(output(3, {.stride = 4, .dilation = 3, .padding = 1}, {2, 5, 4, 8}),
                    "conv2d: a kernel of 3×3 with dilation 3 does not fit into an input of shape "
                    "(2, 5, 4, 8) with padding 1");
}

TEST_CASE("conv2d refuses filters that are none, and inputs without channels", "[ops]") {
  const auto weights = [](const std::vector<std::int64_t>& shape, std::array<std::int64_t, 2> in_channels) {
    return Conv2dWeights(parameter(shape), parameter({shape[0]}), in_channels, {}, {});
  };
  CHECK_NOTHROW(weights({16, 8, 3, 3}, {3, 5}));
  CHECK_THROWS_WITH(weights({16, 8, 0, 0}, {8, 0}),
                    "tensor 'weight' of shape (16, 8, 0, 0) is no square filter on 8 channels");
  CHECK_THROWS_WITH(weights({0, 8, 3, 3}, {8, 0}),
                    "tensor 'weight' of shape (0, 8, 3, 3) is no square filter on 8 channels");
  CHECK_THROWS_WITH(weights({16, 8, 3, 3}, {0, 8}),
                    "conv2d: the number of the input's channels must be at least 1, not 0");
  CHECK_THROWS_WITH(weights({16, 8, 3, 3}, {9, -1}),
                    "conv2d: the number of the second input's channels must be at least 0, not -1");
}

TEST_CASE("a dilation that is none is refused by every operation", "[ops]") {
  CHECK_THROWS_WITH(attended_conv_weights(0), "attended_conv: dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(attended_conv(summed_map(2), attended_conv_weights(2), 0),
                    "attended_conv: the next dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(conv_lstm(map({2, 5, 7, 8}), {}, conv_lstm_weights(), -1),
                    "conv_lstm: the next dilation must be at least 1, not -1");
}

}  // namespace
}  // namespace sapnet::engine
