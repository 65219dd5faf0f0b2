// How gradients flow between operations; the gradients of each operation are tested with its kernel.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "engine/ops/ssim.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "kernels/conv2d/conv2d.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"

namespace sapnet::tests {
namespace {

using engine::Device;
using engine::Shape;
using engine::Tensor;

constexpr Shape kShape = {1, 4, 5, 3};

Tensor image(float step) {
  std::vector<float> values;
  for (int k = 0; k < 60; ++k) values.push_back(0.1F + step * static_cast<float>(k * 7 % 11));
  return engine::from_host(values, kShape, Device::kCpu);
}

/// The gradient of the loss, SSIM, with respect to `out`, or to what it was computed from.
void run_backward(engine::Tape& tape, const Tensor& out) {
  const Tensor similarity = engine::ssim(out, image(0.03F));
  tape.backward(std::array{engine::Tape::Term{similarity, engine::scalar(1, Device::kCpu)}});
}

engine::Conv2dWeights convolution() {
  std::vector<float> weight;
  for (int k = 0; k < 81; ++k) weight.push_back(0.01F * static_cast<float>(k % 5 - 2));
  Tensor tensor = engine::from_host(weight, {3, 3, 3, 3}, Device::kCpu);
  tensor.track();
  *tensor.gradient() = engine::zeros(tensor.shape(), Device::kCpu);
  return {tensor, {}, {3, 0}, {}, {}};
}

TEST_CASE("without a ReLU a residual accumulates its result's gradient unchanged", "[engine][training]") {
  const engine::Conv2dWeights weights = convolution();
  Tensor residual = image(0.05F);
  residual.track();
  engine::Tape tape;
  const Tensor out = conv2d(image(0.02F), weights, {.residual = residual});
  Tensor alone = engine::from_host(to_vector(out), kShape, Device::kCpu);
  run_backward(tape, out);
  const std::vector<float> once = to_vector(*residual.gradient());
  alone.track();
  engine::Tape other;
  run_backward(other, alone);
  check_same_bits("the residual's gradient", once, to_vector(*alone.gradient()));
  CHECK(once != std::vector<float>(60));

  engine::Tape again;
  run_backward(again, conv2d(image(0.02F), weights, {.residual = residual}));
  for (std::size_t k = 0; k < once.size(); ++k) CHECK(to_vector(*residual.gradient())[k] == 2 * once[k]);
}

TEST_CASE("nothing is recorded without tracked inputs or without a tape", "[engine][training]") {
  const engine::Conv2dWeights weights = convolution();
  {
    engine::Tape tape;
    CHECK(engine::Tape::current() == &tape);
    {
      const engine::Tape inner;
      CHECK(engine::Tape::current() == &inner);
    }
    CHECK(engine::Tape::current() == &tape);
    CHECK_FALSE(engine::ssim(image(0.02F), image(0.03F)).tracked());
    CHECK(conv2d(image(0.02F), weights).tracked());
  }
  CHECK(engine::Tape::current() == nullptr);
  CHECK_FALSE(conv2d(image(0.02F), weights).tracked());
}

TEST_CASE("wgrads are deferred only while a backward pass runs", "[engine][training]") {
  const std::string refusal = "no backward pass is running that could defer a wgrad";
  CHECK_THROWS_WITH(engine::Tape::deferred_wgrads(), refusal);
  engine::Tape tape;
  bool deferring = false;
  tape.record([&] { deferring = &engine::Tape::deferred_wgrads() == &engine::Tape::deferred_wgrads(); });
  tape.backward({});
  CHECK(deferring);
  tape.record([] { throw std::runtime_error("failed"); });
  CHECK_THROWS_WITH(tape.backward({}), "failed");
  CHECK_THROWS_WITH(engine::Tape::deferred_wgrads(), refusal);
}

Tensor on_gpu(const Shape& shape, std::uint32_t seed, float limit = 1) {
  return engine::from_host(random_values(shape.count(), seed, limit), shape, Device::kCuda);
}

Tensor tracked_on_gpu(const Shape& shape, std::uint32_t seed) {
  Tensor tensor = on_gpu(shape, seed, 0.1F);
  tensor.track(engine::zeros(shape, Device::kCuda));
  return tensor;
}

/// Checks that inputs 0, 1, … of shared weights give the same gradients in one backward pass as summed over
/// separate ones.
void check_batched_and_separate(int inputs, const std::vector<Tensor>& weights,
                                const std::function<Tensor(std::uint32_t number)>& input) {
  const auto gradients = [&] {
    std::vector<std::vector<float>> all;
    for (const Tensor& weight : weights) {
      all.push_back(to_vector(*weight.gradient()));
      set_zero(*weight.gradient());
    }
    return all;
  };
  const auto term = [&](int number) {
    const Tensor out = input(static_cast<std::uint32_t>(number));
    const Tensor similarity = engine::ssim(out, on_gpu(out.shape(), 99));
    return engine::Tape::Term{similarity, engine::scalar(1, Device::kCuda)};
  };
  for (int number = 0; number < inputs; ++number) {
    engine::Tape tape;
    tape.backward(std::array{term(number)});
  }
  const auto alone = gradients();
  engine::Tape tape;
  std::vector<engine::Tape::Term> terms;
  for (int number = 0; number < inputs; ++number) terms.push_back(term(number));
  tape.backward(terms);
  const auto together = gradients();
  for (std::size_t k = 0; k < weights.size(); ++k) {
    double largest = 0;
    for (const float value : alone[k]) largest = std::max(largest, static_cast<double>(std::abs(value)));
    CHECK(largest > 0);
    // Sums of at most a thousand terms, in another order.
    const std::vector<double> tolerance(alone[k].size(), rounding(1000 * largest));
    check_close("gradient", {static_cast<std::int64_t>(alone[k].size())}, together[k],
                std::vector<double>(alone[k].begin(), alone[k].end()), tolerance);
  }
}

TEST_CASE("a GPU accumulates wgrads at the end of the backward pass, or not at all if it fails",
          "[engine][training][gpu]") {
  if (!have_gpu()) return;
  const Tensor weight = tracked_on_gpu({3, 3, 3, 3}, 1);
  const engine::Conv2dWeights weights(weight, {}, {3, 0}, {}, {.device = Device::kCuda});
  const auto gradient = [&] { return to_vector(*weight.gradient()); };
  const std::vector<float> zero(81);
  const auto run_backward_through_two = [&](const std::function<void()>& last_step) {
    engine::Tape tape;
    tape.record(last_step);
    const Tensor once = engine::conv2d(on_gpu(kShape, 2), weights), twice = engine::conv2d(once, weights);
    const Tensor similarity = engine::ssim(twice, on_gpu(kShape, 3));
    tape.backward(std::array{engine::Tape::Term{similarity, engine::scalar(1, Device::kCuda)}});
  };
  std::vector<float> before_flush;
  run_backward_through_two([&] { before_flush = gradient(); });
  CHECK(before_flush == zero);
  const std::vector<float> expected = gradient();
  CHECK(expected != zero);

  set_zero(*weight.gradient());
  CHECK_THROWS(run_backward_through_two([] { throw std::runtime_error("failed"); }));
  CHECK(gradient() == zero);
  run_backward_through_two([] {});
  check_same_bits("the gradient after a failure", gradient(), expected);
}

TEST_CASE("wgrad rejects invalid sets of inputs", "[engine][ops]") {
  const engine::Conv2dWeights weights = convolution();
  const engine::WgradInput input = {image(0.02F), {}, image(0.03F)};
  const auto wgrad = [&](const std::vector<engine::WgradInput>& inputs) { conv2d_wgrad(inputs, weights); };
  CHECK_NOTHROW(wgrad({input, input}));
  const auto refusal = [](std::size_t count) {
    return "conv2d: wgrad takes 1 to " + std::to_string(kernels::kMaxWgradInputs) + " inputs at once, not " +
           std::to_string(count);
  };
  CHECK_THROWS_WITH(wgrad({}), refusal(0));
  CHECK_THROWS_WITH(wgrad(std::vector(kernels::kMaxWgradInputs + 1, input)),
                    refusal(kernels::kMaxWgradInputs + 1));
  engine::WgradInput other = input;
  other.y = input.x;
  CHECK_THROWS_WITH(wgrad({input, other}), "conv2d: wgrad inputs must have the same shapes and types");
  other = input;
  other.grad_preactivation = engine::zeros({1, 1, 1, 3}, Device::kCpu);
  CHECK_THROWS_WITH(wgrad({input, other}), "conv2d: wgrad inputs must have the same shapes and types");
}

// More inputs than one wgrad launch takes, and some that cannot share a launch.
TEST_CASE("a GPU accumulates wgrad over all inputs of a convolution", "[engine][training][gpu]") {
  if (!have_gpu()) return;
  const Tensor weight = tracked_on_gpu({3, 3, 3, 3}, 1), bias = tracked_on_gpu({1, 1, 1, 3}, 2);
  const engine::Conv2dWeights weights(weight, bias, {3, 0}, {}, {.device = Device::kCuda});
  check_batched_and_separate(12, {weight, bias}, [&](std::uint32_t number) {
    const Shape shape = number == 3 ? Shape{1, 6, 5, 3} : Shape{2, 4, 5, 3};
    return engine::conv2d(on_gpu(shape, 10 + number), weights);
  });
}

TEST_CASE("a GPU accumulates wgrad over all steps of a cell", "[engine][training][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const Shape map = {1, 4, 5, 32};
  std::array<Tensor, 4> filters, biases;
  std::vector<Tensor> all;
  for (std::uint32_t gate = 0; gate < 4; ++gate) {
    all.push_back(filters[gate] = tracked_on_gpu({32, 64, 3, 3}, 1 + gate));
    all.push_back(biases[gate] = tracked_on_gpu({1, 1, 1, 32}, 5 + gate));
  }
  const engine::ConvLstmWeights weights(filters, biases, {.device = Device::kCuda});
  check_batched_and_separate(4, all, [&](std::uint32_t number) {
    engine::LstmState before;
    if (number != 1) before = {on_gpu(map, 20 + number), on_gpu(map, 40 + number)};
    return engine::conv_lstm(on_gpu(map, 60 + number), before, weights).hidden;
  });
}

}  // namespace
}  // namespace sapnet::tests
