// Where gradients go between operations; what each operation does to them is tested with its kernel.
#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "engine/ops/conv2d.h"
#include "engine/ops/ssim.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "tests/kernels/close.h"

namespace sapnet::tests {
namespace {

using engine::Device;
using engine::Shape;
using engine::Tensor;

constexpr Shape kShape = {1, 4, 5, 3};

Tensor picture(float step) {
  std::vector<float> values;
  for (int k = 0; k < 60; ++k) values.push_back(0.1F + step * static_cast<float>(k * 7 % 11));
  return engine::from_host(values, kShape, Device::kCpu);
}

/// The gradient of the loss, SSIM, by `out`, or by what it was computed from.
void go_back(engine::Tape& tape, const Tensor& out) {
  const Tensor similarity = engine::ssim(out, picture(0.03F));
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

TEST_CASE("a residual gets its result's gradient as it is where there is no ReLU, on top of what it has",
          "[engine][training]") {
  const engine::Conv2dWeights weights = convolution();
  Tensor residual = picture(0.05F);
  residual.track();
  engine::Tape tape;
  const Tensor out = conv2d(picture(0.02F), weights, {.residual = residual});
  Tensor alone = engine::from_host(to_vector(out), kShape, Device::kCpu);
  go_back(tape, out);
  const std::vector<float> once = to_vector(*residual.gradient());
  alone.track();
  engine::Tape other;
  go_back(other, alone);
  check_same_bits("the residual's gradient", once, to_vector(*alone.gradient()));
  CHECK(once != std::vector<float>(60));

  engine::Tape again;
  go_back(again, conv2d(picture(0.02F), weights, {.residual = residual}));
  for (std::size_t k = 0; k < once.size(); ++k) CHECK(to_vector(*residual.gradient())[k] == 2 * once[k]);
}

TEST_CASE("nothing is recorded of what nobody tracks, nor after a tape is gone", "[engine][training]") {
  const engine::Conv2dWeights weights = convolution();
  {
    engine::Tape tape;
    CHECK(engine::Tape::current() == &tape);
    {
      const engine::Tape inner;
      CHECK(engine::Tape::current() == &inner);
    }
    CHECK(engine::Tape::current() == &tape);
    CHECK_FALSE(engine::ssim(picture(0.02F), picture(0.03F)).tracked());
    CHECK(conv2d(picture(0.02F), weights).tracked());
  }
  CHECK(engine::Tape::current() == nullptr);
  CHECK_FALSE(conv2d(picture(0.02F), weights).tracked());
}

}  // namespace
}  // namespace sapnet::tests
