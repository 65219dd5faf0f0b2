// Argument checks of the operations, in-place writes, and choice of algorithm. Values are tested in
// tests/kernels and tests/golden.
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"

namespace sapnet::engine {
namespace {

using kernels::Conv2dAlgorithm;

constexpr DType kHalf = DType::kFloat16;

Tensor map(const Shape& shape, DType dtype = DType::kFloat32) { return {shape, Device::kCpu, dtype}; }

// --- weights of operations on maps of 8 channels, all zero ---

Tensor bias(std::int64_t count) { return zeros({1, 1, 1, count}, Device::kCpu); }

Conv2dWeights conv2d_weights(std::int64_t kernel, const Conv2dGeometry& geometry,
                             std::array<std::int64_t, 2> in_channels = {8, 0}) {
  return {zeros({16, in_channels[0] + in_channels[1], kernel, kernel}, Device::kCpu),
          bias(16),
          in_channels,
          geometry,
          {}};
}

struct GateShapes {
  Shape weight = {16, 24, 3, 3};
  std::int64_t bias = 16;
};

/// o: shapes of the last gate.
ConvLstmWeights conv_lstm_weights(const GateShapes& ifg = {}, const GateShapes& o = {},
                                  const Execution& execution = {}) {
  const Tensor weight = zeros(ifg.weight, Device::kCpu), b = bias(ifg.bias);
  return {{weight, weight, weight, zeros(o.weight, Device::kCpu)}, {b, b, b, bias(o.bias)}, execution};
}

struct AttendedConvShapes {
  Shape weight = {8, 8, 3, 3}, bias = {1, 1, 1, 8}, w1 = {2, 8, 1, 1}, w2 = {8, 2, 1, 1}, w3 = {8, 8, 1, 1};
};

AttendedConvWeights attended_conv_weights(std::int64_t dilation, const AttendedConvShapes& shapes = {},
                                          const Execution& execution = {}) {
  const auto tensor = [](const Shape& shape) { return zeros(shape, Device::kCpu); };
  return {tensor(shapes.weight),
          tensor(shapes.bias),
          tensor(shapes.w1),
          tensor(shapes.w2),
          tensor(shapes.w3),
          dilation,
          execution};
}

/// A map of 8 channels and its shifted sums for that dilation.
SummedMap summed_map(std::int64_t dilation) { return {map({2, 5, 7, 8}), map({2, 5, 9, 8}), dilation}; }

TEST_CASE("conv2d rejects invalid strides, dilations and paddings", "[ops]") {
  CHECK_THROWS_WITH(conv2d_weights(3, {.stride = 0}), "conv2d: stride must be at least 1, not 0");
  CHECK_THROWS_WITH(conv2d_weights(3, {.stride = -2}), "conv2d: stride must be at least 1, not -2");
  CHECK_THROWS_WITH(conv2d_weights(3, {.dilation = 0}), "conv2d: dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(conv2d_weights(3, {.padding = -1}), "conv2d: padding must be at least 0, not -1");
}

TEST_CASE("conv2d rejects an input smaller than the kernel", "[ops]") {
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

TEST_CASE("conv2d rejects invalid weights", "[ops]") {
  const auto weights = [](const Shape& shape, std::array<std::int64_t, 2> in_channels) {
    return Conv2dWeights(zeros(shape, Device::kCpu), bias(shape.n), in_channels, {}, {});
  };
  CHECK_NOTHROW(weights({16, 8, 3, 3}, {3, 5}));
  CHECK_NOTHROW(Conv2dWeights(zeros({16, 8, 3, 3}, Device::kCpu), {}, {8, 0}, {}, {}));
  CHECK_THROWS_WITH(Conv2dWeights({}, bias(16), {8, 0}, {}, {}), "conv2d: weight is empty");
  CHECK_THROWS_WITH(weights({16, 8, 3, 3}, {0, 8}),
                    "conv2d: the number of input channels must be at least 1, not 0");
  CHECK_THROWS_WITH(weights({16, 8, 3, 3}, {9, -1}),
                    "conv2d: the number of second input channels must be at least 0, not -1");
  CHECK_THROWS_WITH(weights({16, 8, 3, 5}, {8, 0}),
                    "conv2d: a weight of shape (16, 8, 3, 5) is not a square filter on 8 channels");
  CHECK_THROWS_WITH(weights({16, 8, 3, 3}, {8, 1}),
                    "conv2d: a weight of shape (16, 8, 3, 3) is not a square filter on 9 channels");
  CHECK_THROWS_WITH(Conv2dWeights(zeros({16, 8, 3, 3}, Device::kCpu), bias(15), {8, 0}, {}, {}),
                    "conv2d: a bias of shape (1, 1, 1, 15) does not fit a weight of shape (16, 8, 3, 3)");
}

TEST_CASE("conv2d rejects maps that do not match its weights", "[ops]") {
  const Conv2dWeights one = conv2d_weights(3, {}), two = conv2d_weights(3, {}, {8, 5});
  const Tensor x = map({2, 5, 7, 8}), y = map({2, 5, 7, 5});
  CHECK(conv2d(x, one).shape() == Shape{2, 5, 7, 16});
  CHECK(conv2d(x, y, two).shape() == Shape{2, 5, 7, 16});
  CHECK_THROWS_WITH(conv2d({}, one), "conv2d: input is empty");
  CHECK_THROWS_WITH(conv2d(y, one), "conv2d: input has shape (2, 5, 7, 5), not (2, 5, 7, 8)");
  CHECK_THROWS_WITH(conv2d(x, two), "conv2d: second input is empty, but must have shape (2, 5, 7, 5)");
  // The wrong shapes are larger than the right ones, so that a missing check fails the test without stray
  // writes.
  for (const Shape& other : {Shape{3, 5, 7, 5}, {2, 6, 7, 5}, {2, 5, 8, 5}, {2, 5, 7, 8}})
    CHECK_THROWS_WITH(conv2d(x, map(other), two),
                      "conv2d: second input has shape " + to_string(other) + ", not (2, 5, 7, 5)");
  CHECK_THROWS_WITH(
      conv2d(x, y, one),
      "conv2d: second input of shape (2, 5, 7, 5) where the weights take one input of 8 channels");
  for (const Shape& other : {Shape{3, 5, 7, 16}, {2, 6, 7, 16}, {2, 5, 8, 16}, {2, 5, 7, 17}})
    CHECK_THROWS_WITH(conv2d(x, one, {.residual = map(other)}),
                      "conv2d: residual has shape " + to_string(other) + ", not (2, 5, 7, 16)");
}

TEST_CASE("conv2d rejects maps of another dtype", "[ops]") {
  const Conv2dWeights one = conv2d_weights(3, {}), two = conv2d_weights(3, {}, {8, 5});
  const Tensor x = map({2, 5, 7, 8}), half = map({2, 5, 7, 8}, kHalf);
  CHECK_THROWS_WITH(conv2d(half, one), "conv2d: input is fp16, not fp32");
  CHECK_THROWS_WITH(conv2d(x, map({2, 5, 7, 5}, kHalf), two), "conv2d: second input is fp16, not fp32");
  CHECK_THROWS_WITH(conv2d(x, one, {.residual = map({2, 5, 7, 16}, kHalf)}),
                    "conv2d: residual is fp16, not fp32");
  CHECK_THROWS_WITH(conv2d(x, one, {.maps = kHalf}), "conv2d: the CPU supports fp32 only");
  CHECK_THROWS_WITH(Conv2dWeights(zeros({16, 8, 3, 3}, Device::kCpu), bias(16), {8, 0}, {}, {.maps = kHalf}),
                    "conv2d: the CPU supports fp32 only");
}

TEST_CASE("conv_lstm rejects invalid weights", "[ops]") {
  for (const Shape& shape : {Shape{16, 24, 5, 3}, {16, 24, 3, 5}, {8, 24, 3, 3}, {16, 16, 3, 3}})
    CHECK_THROWS_WITH(conv_lstm_weights({shape, shape.n}, {shape, shape.n}),
                      "conv_lstm: a weight of shape " + to_string(shape) + " is not a 3×3 gate");
  CHECK_THROWS_WITH(conv_lstm_weights({}, {.weight = {16, 25, 3, 3}}),
                    "conv_lstm: a gate's weight has shape (16, 25, 3, 3), not (16, 24, 3, 3)");
  CHECK_THROWS_WITH(conv_lstm_weights({}, {.bias = 17}),
                    "conv_lstm: a bias of shape (1, 1, 1, 17) does not fit a gate of shape (16, 24, 3, 3)");
  CHECK_THROWS_WITH(conv_lstm_weights({}, {}, {.maps = kHalf}), "conv_lstm: the CPU supports fp32 only");
}

TEST_CASE("conv_lstm rejects maps that do not match its weights", "[ops]") {
  const ConvLstmWeights weights = conv_lstm_weights();
  const Tensor x = map({2, 5, 7, 8}), state = map({2, 5, 7, 16});
  const LstmState next = conv_lstm(x, {state, state}, weights);
  CHECK(next.hidden.shape() == state.shape());
  CHECK(next.cell.shape() == state.shape());
  CHECK_THROWS_WITH(conv_lstm({}, {}, weights), "conv_lstm: input is empty");
  CHECK_THROWS_WITH(conv_lstm(state, {}, weights),
                    "conv_lstm: input has shape (2, 5, 7, 16), not (2, 5, 7, 8)");
  CHECK_THROWS_WITH(conv_lstm(x, {state, {}}, weights),
                    "conv_lstm: cell state is empty, but must have shape (2, 5, 7, 16)");
  CHECK_THROWS_WITH(conv_lstm(x, {{}, state}, weights),
                    "conv_lstm: hidden state is empty, but must have shape (2, 5, 7, 16)");
  for (const Shape& other : {Shape{3, 5, 7, 16}, {2, 6, 7, 16}, {2, 5, 8, 16}, {2, 5, 7, 17}}) {
    CHECK_THROWS_WITH(conv_lstm(x, {map(other), state}, weights),
                      "conv_lstm: hidden state has shape " + to_string(other) + ", not (2, 5, 7, 16)");
    CHECK_THROWS_WITH(conv_lstm(x, {state, map(other)}, weights),
                      "conv_lstm: cell state has shape " + to_string(other) + ", not (2, 5, 7, 16)");
  }
  const Tensor half = map(state.shape(), kHalf);
  CHECK_THROWS_WITH(conv_lstm(map(x.shape(), kHalf), {}, weights), "conv_lstm: input is fp16, not fp32");
  CHECK_THROWS_WITH(conv_lstm(x, {half, state}, weights), "conv_lstm: hidden state is fp16, not fp32");
  CHECK_THROWS_WITH(conv_lstm(x, {state, half}, weights), "conv_lstm: cell state is fp16, not fp32");
}

TEST_CASE("attended_conv rejects invalid weights", "[ops]") {
  for (const Shape& shape : {Shape{8, 72, 1, 1}, {8, 9, 3, 3}, {8, 8, 5, 5}, {9, 9, 3, 3}})
    CHECK_THROWS_WITH(attended_conv_weights(1, {.weight = shape}),
                      "attended_conv: weight has shape " + to_string(shape) + ", not (8, 8, 3, 3)");
  CHECK_THROWS_WITH(attended_conv_weights(1, {.bias = {1, 1, 1, 7}}),
                    "attended_conv: bias has shape (1, 1, 1, 7), not (1, 1, 1, 8)");
  CHECK_THROWS_WITH(attended_conv_weights(1, {.w1 = {2, 8, 3, 3}}),
                    "attended_conv: w1 has shape (2, 8, 3, 3), not (2, 8, 1, 1)");
  CHECK_THROWS_WITH(attended_conv_weights(1, {.w2 = {8, 3, 1, 1}}),
                    "attended_conv: w2 has shape (8, 3, 1, 1), not (8, 2, 1, 1)");
  CHECK_THROWS_WITH(attended_conv_weights(1, {.w3 = {8, 2, 1, 1}}),
                    "attended_conv: w3 has shape (8, 2, 1, 1), not (8, 8, 1, 1)");
  CHECK_THROWS_WITH(attended_conv_weights(1, {}, {.maps = kHalf}),
                    "attended_conv: the CPU supports fp32 only");
}

TEST_CASE("attended_conv rejects maps that do not match its weights", "[ops]") {
  const AttendedConvWeights weights = attended_conv_weights(2);
  const SummedMap x = summed_map(2);
  CHECK(attended_conv(x, weights, 1).map.shape() == Shape{2, 5, 7, 8});
  CHECK_THROWS_WITH(attended_conv({}, weights, 1), "attended_conv: input is empty");
  CHECK_THROWS_WITH(attended_conv({x.map, {}, 2}, weights, 1), "attended_conv: input has no shifted sums");
  CHECK_THROWS_WITH(attended_conv({map({2, 5, 7, 9}), x.shifted_sums, 2}, weights, 1),
                    "attended_conv: input has shape (2, 5, 7, 9), not (2, 5, 7, 8)");
  for (const Shape& other : {Shape{3, 5, 9, 8}, {2, 5, 10, 8}, {2, 5, 9, 9}})
    CHECK_THROWS_WITH(attended_conv({x.map, map(other), 2}, weights, 1),
                      "attended_conv: shifted sums has shape " + to_string(other) + ", not (2, 5, 9, 8)");
  CHECK_THROWS_WITH(attended_conv(summed_map(1), weights, 1),
                    "attended_conv: shifted sums are for dilation 1, not 2");
  for (const Shape& other : {Shape{3, 5, 7, 8}, {2, 6, 7, 8}, {2, 5, 8, 8}, {2, 5, 7, 9}})
    CHECK_THROWS_WITH(attended_conv(x, weights, 1, map(other)),
                      "attended_conv: residual has shape " + to_string(other) + ", not (2, 5, 7, 8)");
  const Tensor half = map(x.map.shape(), kHalf);
  CHECK_THROWS_WITH(attended_conv({half, x.shifted_sums, 2}, weights, 1),
                    "attended_conv: input is fp16, not fp32");
  CHECK_THROWS_WITH(attended_conv({x.map, map(x.shifted_sums.shape(), kHalf), 2}, weights, 1),
                    "attended_conv: shifted sums is fp16, not fp32");
  CHECK_THROWS_WITH(attended_conv(x, weights, 1, half), "attended_conv: residual is fp16, not fp32");
}

TEST_CASE("operations reject maps on another device", "[ops][gpu]") {
  if (!tests::have_gpu()) return;
  const Tensor on_gpu({2, 5, 7, 8}, Device::kCuda);
  CHECK_THROWS_WITH(conv2d(on_gpu, conv2d_weights(3, {})), "conv2d: input is on device cuda, not cpu");
  CHECK_THROWS_WITH(conv_lstm(on_gpu, {}, conv_lstm_weights()),
                    "conv_lstm: input is on device cuda, not cpu");
  CHECK_THROWS_WITH(attended_conv({on_gpu, map({2, 5, 9, 8}), 1}, attended_conv_weights(1), 1),
                    "attended_conv: input is on device cuda, not cpu");
}

TEST_CASE("operations write in place only into tensors they own", "[ops]") {
  const Conv2dWeights conv = conv2d_weights(3, {});
  const ConvLstmWeights lstm = conv_lstm_weights();
  const AttendedConvWeights attended = attended_conv_weights(1);
  const Tensor x = map({2, 5, 7, 8}), wide = map({2, 5, 7, 16});
  const SummedMap summed = summed_map(1);

  Tensor residual = map(wide.shape());
  const float* given = residual.data();
  CHECK(conv2d(x, conv, {.residual = std::move(residual)}).data() == given);
  CHECK(conv2d(x, conv, {.residual = wide}).data() != wide.data());

  residual = map(x.shape());
  given = residual.data();
  CHECK(attended_conv(summed, attended, 1, std::move(residual)).map.data() == given);
  CHECK(attended_conv(summed, attended, 1, x).map.data() != x.data());

  Tensor cell = map(wide.shape());
  given = cell.data();
  CHECK(conv_lstm(x, {wide, std::move(cell)}, lstm).cell.data() == given);
  CHECK(conv_lstm(x, {wide, wide}, lstm).cell.data() != wide.data());
}

TEST_CASE("operations choose the fastest algorithm, or the direct one if strict", "[ops]") {
  for (const bool strict : {false, true}) {
    const Execution execution{.strict = strict};
    const auto expected = strict ? Conv2dAlgorithm::kDirect : Conv2dAlgorithm::kWinograd;
    const GateShapes gate{{32, 64, 3, 3}, 32};
    const AttendedConvShapes shapes{
        {32, 32, 3, 3}, {1, 1, 1, 32}, {2, 32, 1, 1}, {32, 2, 1, 1}, {32, 32, 1, 1}};
    CHECK(Conv2dWeights(zeros({32, 32, 3, 3}, Device::kCpu), bias(32), {32, 0}, {}, execution)
              .problem(1, 1, 1)
              .algorithm == expected);
    CHECK(conv_lstm_weights(gate, gate, execution).problem(1, 1, 1).algorithm == expected);
    CHECK(attended_conv_weights(16, shapes, execution).conv().problem(1, 1, 1).algorithm == expected);
  }
}

TEST_CASE("every operation rejects an invalid dilation", "[ops]") {
  CHECK_THROWS_WITH(attended_conv_weights(0), "attended_conv: dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(attended_conv(summed_map(2), attended_conv_weights(2), 0),
                    "attended_conv: the next dilation must be at least 1, not 0");
  CHECK_THROWS_WITH(conv_lstm(map({2, 5, 7, 8}), {}, conv_lstm_weights(), -1),
                    "conv_lstm: the next dilation must be at least 1, not -1");
}

}  // namespace
}  // namespace sapnet::engine
