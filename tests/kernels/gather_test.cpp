#include "kernels/gather/gather.h"

#include <utility>
#include <vector>

#include "engine/ops/packing.h"
#include "kernels/conv_lstm/conv_lstm.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/conv2d_problems.h"
#include "tests/kernels/device_memory.h"
#include "tests/kernels/guarded_array.h"

namespace sapnet::tests {
namespace {

#ifdef SAPNET_CUDA
using engine::Half;

[[maybe_unused]] float as_float(float value) { return value; }
[[maybe_unused]] float as_float(Half value) { return kernels::to_float(value); }

template <class T>
std::vector<float> gathered(const std::vector<float>& in, const std::vector<std::int32_t>& indices) {
  GuardedDeviceArray<float> from(in);
  GuardedDeviceArray<std::int32_t> table(indices);
  GuardedDeviceArray<T> to(indices.size());
  kernels::cuda::gather(kernels::cuda::Context{engine::cuda::stream()},
                        static_cast<std::int64_t>(indices.size()), from.data(), table.data(), to.data());
  std::vector<float> out(indices.size());
  to.read_to(out.data());
  CHECK(from.read() == in);
  CHECK(table.read() == indices);
  return out;
}

TEST_CASE("gather picks weights by index, with zeros for padding", "[kernels][gather][gpu]") {
  if (!have_gpu()) return;
  const std::vector<float> in = {1.5F, -2, 0.1F};
  const std::vector<std::int32_t> indices = {3, 0, 1, 2, 2, 0};
  CHECK(gathered<float>(in, indices) == std::vector<float>{0.1F, 0, 1.5F, -2, -2, 0});
  const float rounded = kernels::to_float(kernels::to_half(0.1F));
  CHECK(gathered<Half>(in, indices) == std::vector<float>{rounded, 0, 1.5F, -2, -2, 0});
  std::vector<float> many;  // more than a block
  std::vector<std::int32_t> backwards;
  for (int k = 0; k < 1000; ++k) {
    many.push_back(static_cast<float>(k));
    backwards.push_back(1000 - k);
  }
  CHECK(gathered<float>(many, backwards) == std::vector<float>(many.rbegin(), many.rend()));
}

/// Packs random weights on the host, and on the device by the packed indices.
template <class T>
void check_packing(std::int64_t weights, std::int64_t packed, const auto& pack, const auto& pack_indices) {
  const auto size = static_cast<std::size_t>(packed);
  const std::vector<float> values = random_values(weights, 1);
  std::vector<T> expected(size);
  pack(values.data(), expected.data());
  std::vector<std::int32_t> indices(size);
  pack_indices(engine::weight_indices(weights).data(), indices.data());
  const std::vector<float> actual = gathered<T>(values, indices);
  for (std::size_t k = 0; k < size; ++k) REQUIRE(actual[k] == as_float(expected[k]));
}

TEMPLATE_TEST_CASE("gathering by packed indices equals packing the weights", "[kernels][gather][gpu]", float,
                   Half) {
  if (!have_gpu()) return;
  using kernels::Conv2dProblem;
  const kernels::cuda::Context context;
  const std::vector<std::pair<Conv2dProblem, kernels::cuda::Conv2dPath>> problems = {
      {same_size(1, 4, 4, {32, 32}, 64), kernels::cuda::Conv2dPath::kRows},
      {{1, 4, 4, {32, 0}, 32, 1, 1, 1, 0}, kernels::cuda::Conv2dPath::kMatmul},
      {same_size(1, 4, 4, {64, 0}, 128), kernels::cuda::Conv2dPath::kIgemm},
      {same_size(1, 4, 4, {3, 3}, 32), kernels::cuda::Conv2dPath::kThin},
      {same_size(1, 4, 4, {3, 3}, 5), kernels::cuda::Conv2dPath::kGeneric}};
  for (const auto& item : problems) {  // clang 14 cannot capture structured bindings
    const Conv2dProblem& p = item.first;
    REQUIRE(kernels::cuda::conv2d_path(p) == item.second);
    check_packing<TestType>(
        p.kernel * p.kernel * p.total_in_channels() * p.out_channels, packed_conv2d_size(context, p),
        [&](const float* from, TestType* to) { pack_conv2d(context, p, from, to); },
        [&](const std::int32_t* from, std::int32_t* to) {
          kernels::cuda::pack_conv2d_indices<TestType>(p, from, to);
        });
  }
  const kernels::ConvLstmProblem cell = {.h = 4, .w = 4, .in_channels = 32, .hidden = 32};
  check_packing<TestType>(
      std::int64_t{128} * 64 * 9, packed_conv2d_size(context, cell.conv()),
      [&](const float* from, TestType* to) { pack_conv_lstm(context, cell, from, to); },
      [&](const std::int32_t* from, std::int32_t* to) {
        kernels::cuda::pack_conv_lstm_indices<TestType>(cell, from, to);
      });
}
#endif

TEST_CASE("a layer has at most as many weights as int32 can index", "[engine][gather]") {
  CHECK(engine::weight_indices(3) == std::vector<std::int32_t>{1, 2, 3});
  CHECK_THROWS_AS(engine::weight_indices(std::int64_t{1} << 31), Error);
}

}  // namespace
}  // namespace sapnet::tests
