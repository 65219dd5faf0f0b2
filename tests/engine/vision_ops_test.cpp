// Argument checks and in-place writes of the operations of VGG, ResNet and FPN. Values are tested in
// tests/kernels and tests/golden.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/resize_bilinear.h"
#include "engine/tape.h"
#include "engine/tensor.h"
#include "tests/catch.h"

namespace sapnet::engine {
namespace {

Tensor map(const Shape& shape, DType dtype = DType::kFloat32) { return {shape, Device::kCpu, dtype}; }

TEST_CASE("max_pool rejects invalid windows", "[ops][max_pool]") {
  const Tensor x = map({2, 3, 5, 8});
  CHECK(max_pool(x).shape() == Shape{2, 1, 2, 8});
  CHECK(max_pool(x, {.kernel = 3, .padding = 1}).shape() == Shape{2, 2, 3, 8});
  CHECK_THROWS_WITH(max_pool({}), "max_pool: input is empty");
  CHECK_THROWS_WITH(max_pool(map(x.shape(), DType::kFloat16)), "max_pool: the CPU supports fp32 only");
  for (const std::int64_t kernel : {1, 4})
    CHECK_THROWS_WITH(max_pool(x, {.kernel = kernel}),
                      "max_pool: kernel must be 2 or 3, not " + std::to_string(kernel));
  CHECK_THROWS_WITH(max_pool(x, {.stride = 0}), "max_pool: stride must be at least 1, not 0");
  CHECK_THROWS_WITH(max_pool(x, {.padding = -1}), "max_pool: padding must be at least 0, not -1");
  CHECK_NOTHROW(max_pool(x, {.kernel = 2, .padding = 1}));
  CHECK_THROWS_WITH(max_pool(x, {.kernel = 3, .padding = 2}),
                    "max_pool: a padding of 2 is more than half of a kernel of 3");
  for (const Shape& shape : {Shape{2, 2, 3, 8}, {2, 3, 2, 8}})
    CHECK_THROWS_WITH(max_pool(map(shape), {.kernel = 3}),
                      "max_pool: a kernel of 3 does not fit into an input of shape " + to_string(shape) +
                          " with padding 0");
}

TEST_CASE("resize_bilinear rejects mismatched shapes, and writes in place of an owned residual",
          "[ops][resize_bilinear]") {
  const Tensor x = map({2, 3, 5, 8}), wide = map({2, 6, 9, 8});
  CHECK_THROWS_WITH(resize_bilinear({}, 6, 9), "resize_bilinear: input is empty");
  CHECK_THROWS_WITH(resize_bilinear(map(x.shape(), DType::kFloat16), 6, 9),
                    "resize_bilinear: the CPU supports fp32 only");
  CHECK_THROWS_WITH(resize_bilinear(x, 0, 9), "resize_bilinear: height must be at least 1, not 0");
  CHECK_THROWS_WITH(resize_bilinear(x, 6, -1), "resize_bilinear: width must be at least 1, not -1");
  for (const Shape& other : {Shape{3, 6, 9, 8}, {2, 7, 9, 8}, {2, 6, 10, 8}, {2, 6, 9, 9}})
    CHECK_THROWS_WITH(resize_bilinear(x, 6, 9, map(other)),
                      "resize_bilinear: residual has shape " + to_string(other) + ", not (2, 6, 9, 8)");
  CHECK_THROWS_WITH(resize_bilinear(x, 6, 9, map(wide.shape(), DType::kFloat16)),
                    "resize_bilinear: residual is fp16, not fp32");
  Tensor residual = map(wide.shape());
  const float* const given = residual.data();
  CHECK(resize_bilinear(x, 6, 9, std::move(residual)).data() == given);
  CHECK(resize_bilinear(x, 6, 9, wide).data() != wide.data());
}

TEST_CASE("either of resize_bilinear's inputs may be the only tracked one", "[ops][resize_bilinear]") {
  Tensor x = zeros({1, 2, 2, 1}, Device::kCpu), residual = zeros({1, 4, 4, 1}, Device::kCpu);
  const auto run_backward = [&] {
    Tape tape;
    const Tensor out = resize_bilinear(x, 4, 4, residual);
    *out.gradient() = from_host(std::vector<float>(16, 1.0F), out.shape(), Device::kCpu);
    tape.backward({});
  };
  residual.track();
  run_backward();
  CHECK(to_vector(*residual.gradient()) == std::vector<float>(16, 1.0F));
  run_backward();  // accumulates
  CHECK(to_vector(*residual.gradient()) == std::vector<float>(16, 2.0F));
  x.track();
  residual = zeros({1, 4, 4, 1}, Device::kCpu);
  run_backward();
  CHECK(to_vector(*x.gradient()) == std::vector<float>(4, 4.0F));
}

TEST_CASE("batch_norm rejects mismatched shapes, and writes in place of an owned residual",
          "[ops][batch_norm]") {
  const Tensor x = map({2, 3, 5, 8}), ones = zeros({1, 1, 1, 8}, Device::kCpu);
  CHECK(batch_norm(x, ones, ones).shape() == x.shape());
  CHECK_THROWS_WITH(batch_norm({}, ones, ones), "batch_norm: input is empty");
  CHECK_THROWS_WITH(batch_norm(map(x.shape(), DType::kFloat16), ones, ones),
                    "batch_norm: the CPU supports fp32 only");
  CHECK_THROWS_WITH(batch_norm(x, map({1, 1, 1, 9}), ones),
                    "batch_norm: gamma has shape (1, 1, 1, 9), not (1, 1, 1, 8)");
  CHECK_THROWS_WITH(batch_norm(x, ones, map({1, 1, 1, 9})),
                    "batch_norm: beta has shape (1, 1, 1, 9), not (1, 1, 1, 8)");
  Tensor learned = ones;
  learned.track();
  CHECK_THROWS_WITH(batch_norm(x, learned, ones),
                    "batch_norm: gamma is tracked, but batch_norm computes no gradient for it");
  CHECK_THROWS_WITH(batch_norm(x, ones, learned),
                    "batch_norm: beta is tracked, but batch_norm computes no gradient for it");
  for (const Shape& other : {Shape{3, 3, 5, 8}, {2, 4, 5, 8}, {2, 3, 6, 8}, {2, 3, 5, 9}})
    CHECK_THROWS_WITH(batch_norm(x, ones, ones, {.residual = map(other)}),
                      "batch_norm: residual has shape " + to_string(other) + ", not (2, 3, 5, 8)");
  Tensor residual = map(x.shape());
  const float* const given = residual.data();
  CHECK(batch_norm(x, ones, ones, {.residual = std::move(residual)}).data() == given);
  CHECK(batch_norm(x, ones, ones, {.residual = x}).data() != x.data());
}

}  // namespace
}  // namespace sapnet::engine
