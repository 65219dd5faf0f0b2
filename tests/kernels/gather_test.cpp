#include "kernels/gather/gather.h"

#include <vector>

#include "engine/ops/packing.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/device_memory.h"

namespace sapnet::tests {
namespace {

using engine::Half;

#ifdef SAPNET_CUDA
template <class T>
std::vector<float> gathered(const std::vector<float>& in, const std::vector<float>& places) {
  Floats from(in), of(places);
  DeviceArray<T> to(places.size());
  kernels::cuda::gather(static_cast<std::int64_t>(places.size()), from.data(), of.data(), to.data(),
                        engine::cuda::stream());
  std::vector<float> out(places.size());
  to.read_to(out.data());
  from.read_to(nullptr);
  of.read_to(nullptr);
  return out;
}

TEST_CASE("weights are gathered by their places, with zeros for padding", "[kernels][gather][gpu]") {
  if (!have_gpu()) return;
  const std::vector<float> in = {1.5F, -2, 0.1F};
  const std::vector<float> places = {3, 0, 1, 2, 2, 0};
  CHECK(gathered<float>(in, places) == std::vector<float>{0.1F, 0, 1.5F, -2, -2, 0});
  const float rounded = kernels::to_float(kernels::to_half(0.1F));
  CHECK(gathered<Half>(in, places) == std::vector<float>{rounded, 0, 1.5F, -2, -2, 0});
  std::vector<float> many, backwards;  // more than a block
  for (int k = 0; k < 1000; ++k) {
    many.push_back(static_cast<float>(k));
    backwards.push_back(static_cast<float>(1000 - k));
  }
  std::vector<float> expected(many.rbegin(), many.rend());
  CHECK(gathered<float>(many, backwards) == expected);
}
#endif

/// A packing that turns the order round and puts a zero behind every second number.
template <class T>
void pack(std::int64_t weights, const float* weight, T* packed) {
  for (std::int64_t k = weights - 1; k >= 0; --k) {
    *packed++ = kernels::converted<T>(weight[k]);
    if (k % 2 == 0) *packed++ = kernels::converted<T>(0);
  }
}

TEMPLATE_TEST_CASE("the places of packed weights are found, more of them than fp16 counts",
                   "[engine][gather]", float, Half) {
  constexpr std::int64_t kWeights = 5000;
  constexpr auto kSize = static_cast<std::size_t>(kWeights + kWeights / 2);
  const engine::Digits digits = engine::place_digits({1, 1, 1, kWeights}, engine::Device::kCpu);
  const auto packed = [](const engine::Tensor& digit) {
    return engine::packed_weights<TestType>(kSize, engine::Device::kCpu,
                                            [&](TestType* to) { pack(kWeights, digit.data(), to); });
  };
  const auto places = to_vector(engine::places(packed(digits.high), packed(digits.low)));
  std::vector<float> numbers, expected(kSize);
  for (int k = 1; k <= kWeights; ++k) numbers.push_back(static_cast<float>(k));
  pack(kWeights, numbers.data(), expected.data());
  CHECK(places == expected);
  CHECK_THROWS_AS(engine::place_digits({1, 1, 1, 1 << 22}, engine::Device::kCpu), Error);
}

}  // namespace
}  // namespace sapnet::tests
