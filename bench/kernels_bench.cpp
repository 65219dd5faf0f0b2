#include <array>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "bench/commands.h"
#include "bench/machine.h"
#include "bench/measurement.h"
#include "engine/device.h"
#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::bench {
namespace {

using engine::Device;
using engine::Parameter;
using engine::Tensor;

constexpr std::int64_t kChannels = 32;

/// Makes inputs and weights of the shapes that SAPNet has, and times operations on them.
class Kernels {
 public:
  explicit Kernels(const KernelsOptions& options) : options_(options), peak_(fma_peak(options.threads)) {}

  void conv2d(const std::string& name, std::array<std::int64_t, 2> in, std::int64_t out, bool strict) {
    const engine::Conv2dWeights weights(random({out, in[0] + in[1], 3, 3}), random({out}), in, {},
                                        {.device = Device::kCpu, .strict = strict});
    const Tensor x = map(in[0]), y = in[1] > 0 ? map(in[1]) : Tensor();
    measure(name, strict, 9 * (in[0] + in[1]) * out,
            [&] { y ? engine::conv2d(x, y, weights) : engine::conv2d(x, weights); });
  }

  void conv_lstm(bool strict) {
    std::vector<Parameter> parameters;
    for (int gate = 0; gate < 4; ++gate) parameters.push_back(random({kChannels, 2 * kChannels, 3, 3}));
    for (int gate = 0; gate < 4; ++gate) parameters.push_back(random({kChannels}));
    const auto at = [&](std::size_t k) { return &parameters[k]; };
    const engine::ConvLstmWeights weights({at(0), at(1), at(2), at(3)}, {at(4), at(5), at(6), at(7)},
                                          {.device = Device::kCpu, .strict = strict});
    const Tensor x = map(kChannels);
    const engine::LstmState state{map(kChannels), map(kChannels)};
    measure("conv_lstm 64→4·32", strict, 9 * 2 * kChannels * 4 * kChannels,
            [&] { engine::conv_lstm(x, state, weights, 1); });
    measure("conv_lstm 64→4·32, first step", strict, 9 * kChannels * 4 * kChannels,
            [&] { engine::conv_lstm(x, {}, weights, 1); });
  }

  void attended_conv(std::int64_t dilation, bool strict) {
    const engine::AttendedConvWeights weights(random({kChannels, kChannels, 3, 3}), random({kChannels}),
                                              random({2, kChannels, 1, 1}), random({kChannels, 2, 1, 1}),
                                              random({kChannels, kChannels, 1, 1}), dilation,
                                              {.device = Device::kCpu, .strict = strict});
    const std::int64_t parts = kernels::cpu::shifted_sums_parts(options_.height);
    const engine::SummedMap x{map(kChannels), random_tensor({1, parts, 9, kChannels}), dilation};
    const Tensor residual = map(kChannels);
    measure("attended_conv 32→32, dilation " + std::to_string(dilation), strict, 9 * kChannels * kChannels,
            [&] { engine::attended_conv(x, weights, dilation, residual); });
  }

  nlohmann::ordered_json report() const {
    return {{"program", "sapnet-bench"}, {"width", options_.width},
            {"height", options_.height}, {"threads", options_.threads},
            {"repeat", options_.repeat}, {"fma_peak_gflops", peak_ * 1e-9},
            {"cpu", cpu_name()},         {"device", engine::describe(Device::kCpu)},
            {"kernels", kernels_}};
  }

 private:
  Parameter random(std::vector<std::int64_t> shape) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    return {"random", std::move(shape), values(count)};
  }

  Tensor random_tensor(const engine::Shape& shape) {
    return engine::from_host(values(shape.count()), shape, Device::kCpu);
  }

  Tensor map(std::int64_t channels) { return random_tensor({1, options_.height, options_.width, channels}); }

  std::vector<float> values(std::int64_t count) {
    std::uniform_real_distribution<float> uniform(-0.1F, 0.1F);
    std::vector<float> result(static_cast<std::size_t>(count));
    for (float& value : result) value = uniform(random_engine_);
    return result;
  }

  /// multiply_adds: per pixel, counted as a direct convolution.
  void measure(const std::string& name, bool strict, std::int64_t multiply_adds,
               const std::function<void()>& run) {
    const std::vector<double> seconds = time(options_.repeat, run);
    const double flops = 2 * static_cast<double>(multiply_adds * options_.width * options_.height);
    kernels_.push_back({{"name", name},
                        {"mode", strict ? "strict" : "fast"},
                        {"seconds", summary(seconds)},
                        {"gflops", flops / seconds.front() * 1e-9},
                        {"percent_of_peak", 100 * flops / seconds.front() / peak_}});
  }

  KernelsOptions options_;
  double peak_;  // floating-point operations per second
  std::minstd_rand random_engine_{1};
  nlohmann::ordered_json kernels_ = nlohmann::ordered_json::array();
};

}  // namespace

void bench_kernels(const KernelsOptions& options) {
  engine::set_threads(options.threads);
  Kernels kernels(options);
  for (const bool strict : {false, true}) {
    kernels.conv2d("conv2d 6→32", {3, 3}, kChannels, strict);
    kernels.conv_lstm(strict);
    for (const std::int64_t dilation : {1, 2, 4, 8, 16}) kernels.attended_conv(dilation, strict);
    kernels.conv2d("conv2d 32→3", {kChannels, 0}, 3, strict);
  }
  std::cout << kernels.report().dump(1) << '\n';
}

}  // namespace sapnet::bench
