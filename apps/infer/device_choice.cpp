#include "apps/infer/device_choice.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "engine/error.h"
#include "engine/tensor.h"

namespace sapnet::apps {
namespace {

using engine::Device;
using engine::DType;

/// A gradient with streaks. Wider than a block of any kernel, and larger than the largest dilation on both
/// sides.
constexpr engine::Shape kTestShape = {1, 40, 72, 3};

std::vector<float> test_image() {
  std::vector<float> rgb;
  for (std::int64_t y = 0; y < kTestShape.h; ++y)
    for (std::int64_t x = 0; x < kTestShape.w; ++x)
      for (std::int64_t c = 0; c < kTestShape.c; ++c)
        rgb.push_back(static_cast<float>((x + y / 4) % 7 == 0 ? 200 : 40 + 2 * y + x + 10 * c) / 255);
  return rgb;
}

std::vector<float> test_output(const model::Network& network, Device device) {
  std::vector<float> derained(static_cast<std::size_t>(kTestShape.count()));
  engine::to_host(network.forward(engine::from_host(test_image(), kTestShape, device), model::kStages),
                  derained);
  return derained;
}

}  // namespace

std::string self_test(const model::Network& candidate, Device device, const model::Network& reference) {
  constexpr float kLargestDifference = 0.01F;  // 2.5/255; fp16 stays below 1/255
  std::vector<float> actual;
  try {
    actual = test_output(candidate, device);
  } catch (const Error& error) {
    return error.what();
  }
  const std::vector<float> expected = test_output(reference, Device::kCpu);
  float largest = 0;
  for (std::size_t k = 0; k < actual.size(); ++k) {
    const float difference = std::abs(actual[k] - expected[k]);
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(largest)) return "its results contain NaN";
  }
  if (largest <= kLargestDifference) return {};
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "its results differ from the CPU's by %.2g",
                static_cast<double>(largest));
  return text.data();
}

ChosenNetwork choose_network(const engine::Parameters& weights, const InferOptions& options, bool dilation) {
  const engine::Execution on_cpu = {.device = Device::kCpu, .strict = options.strict};
  const bool wants_fp16 = options.precision == "fp16";
  const auto [device, obstacle] = engine::choose_device(options.device);
  ChosenNetwork chosen{.execution = on_cpu, .network = nullptr, .warning = {}};
  chosen.execution.device = device;
  if (device == Device::kCpu) {
    if (wants_fp16)
      throw Error("--precision fp16 needs a GPU" +
                  (obstacle.empty() ? "; the CPU computes in fp32" : ", which cannot be used: " + obstacle));
    if (!obstacle.empty()) chosen.warning = engine::not_used("the GPU", obstacle);
    chosen.network = model::make_network(weights, on_cpu, dilation);
    return chosen;
  }
  if (options.precision != "fp32") chosen.execution.maps = DType::kFloat16;
  if (options.device != "auto") {
    chosen.network = model::make_network(weights, chosen.execution, dilation);
    return chosen;
  }
  const std::string gpu = engine::describe(device);
  auto reference = model::make_network(weights, on_cpu, dilation);
  std::string reason;
  try {
    chosen.network = model::make_network(weights, chosen.execution, dilation);
    reason = self_test(*chosen.network, device, *reference);
  } catch (const Error& error) {  // e.g. if other programs use all of the GPU's memory
    reason = error.what();
  }
  if (reason.empty()) return chosen;
  if (wants_fp16) throw Error(gpu + " cannot be used: " + reason);
  chosen.execution = on_cpu;
  chosen.network = std::move(reference);
  chosen.warning = engine::not_used(gpu, reason);
  return chosen;
}

}  // namespace sapnet::apps
