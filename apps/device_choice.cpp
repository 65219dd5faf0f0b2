#include "apps/device_choice.h"

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

/// A slope with streaks. Wider than a block of any kernel, and both sides longer than the largest dilation.
constexpr engine::Shape kTrialShape = {1, 40, 72, 3};

std::vector<float> trial_picture() {
  std::vector<float> rgb;
  for (std::int64_t y = 0; y < kTrialShape.h; ++y)
    for (std::int64_t x = 0; x < kTrialShape.w; ++x)
      for (std::int64_t c = 0; c < kTrialShape.c; ++c)
        rgb.push_back(static_cast<float>((x + y / 4) % 7 == 0 ? 200 : 40 + 2 * y + x + 10 * c) / 255);
  return rgb;
}

std::vector<float> trial_run(const model::Network& network, Device device) {
  std::vector<float> derained(static_cast<std::size_t>(kTrialShape.count()));
  engine::to_host(network.forward(engine::from_host(trial_picture(), kTrialShape, device), model::kStages),
                  derained);
  return derained;
}

}  // namespace

std::string trial(const model::Network& candidate, Device device, const model::Network& trusted) {
  constexpr float kLargestDifference = 0.01F;  // two and a half of a byte's 255 steps; fp16 stays below one
  std::vector<float> tried;
  try {
    tried = trial_run(candidate, device);
  } catch (const Error& error) {
    return error.what();
  }
  const std::vector<float> expected = trial_run(trusted, Device::kCpu);
  float largest = 0;
  for (std::size_t k = 0; k < tried.size(); ++k) {
    const float difference = std::abs(tried[k] - expected[k]);
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(largest)) return "it computes values that are not numbers";
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
  ChosenNetwork chosen{.execution = on_cpu, .network = nullptr, .warning = {}};
  chosen.execution.device = engine::choose_device(options.device);
  if (chosen.execution.device == Device::kCpu) {
    if (wants_fp16) throw Error("--precision fp16 needs a GPU; the CPU computes in fp32");
    chosen.network = model::make_network(weights, on_cpu, dilation);
    return chosen;
  }
  if (options.precision != "fp32") chosen.execution.maps = DType::kFloat16;
  chosen.network = model::make_network(weights, chosen.execution, dilation);
  if (options.device != "auto") return chosen;
  auto trusted = model::make_network(weights, on_cpu, dilation);
  const std::string obstacle = trial(*chosen.network, chosen.execution.device, *trusted);
  if (obstacle.empty()) return chosen;
  const std::string gpu = engine::describe(chosen.execution.device);
  if (wants_fp16) throw Error(gpu + " cannot be used: " + obstacle);
  chosen.execution = on_cpu;
  chosen.network = std::move(trusted);
  chosen.warning = gpu + " is not used: " + obstacle + "; the CPU computes";
  return chosen;
}

}  // namespace sapnet::apps
