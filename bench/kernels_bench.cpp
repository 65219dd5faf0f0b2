#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "bench/commands.h"
#include "bench/machine.h"
#include "bench/measurement.h"
#include "engine/buffer.h"
#include "engine/cuda.h"
#include "engine/execution.h"
#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"

namespace sapnet::bench {
namespace {

using engine::Device;
using engine::DType;
using engine::Execution;
using engine::Tensor;

constexpr std::int64_t kChannels = 32;

/// What an operation cannot do with less of, per pixel: multiply-adds, counted as a direct convolution, and
/// bytes, each input read once and each output written once.
struct Cost {
  std::int64_t multiply_adds;
  std::size_t bytes;
};

/// On a GPU, maps enough that none is in the cache when its turn comes again; elsewhere one.
using Maps = std::vector<Tensor>;

/// Makes inputs and weights of the shapes that SAPNet has, and times operations on them.
class Kernels {
 public:
  /// peak: floating-point operations per second of the CPU; of a GPU, bytes per second that it copies.
  Kernels(const KernelsOptions& options, const Execution& execution, double peak)
      : options_(options),
        execution_(execution),
        peak_(peak),
        value_bytes_(size_of(execution.maps)),
        x_(maps(kChannels, execution.maps)),
        y_(maps(kChannels, execution.maps)),
        lstm_(lstm_weights()) {}

  void conv_in() {
    const engine::Conv2dWeights weights(random({kChannels, 6, 3, 3}), random_bias(kChannels), {3, 3}, {},
                                        {.device = execution_.device, .strict = execution_.strict});
    const Maps rainy = maps(3, DType::kFloat32), derained = maps(3, DType::kFloat32);
    measure("conv2d 6→32", {9 * 6 * kChannels, 6 * sizeof(float) + kChannels * value_bytes_},
            [&](std::size_t k) {
              return engine::conv2d(rainy[k], derained[k], weights, {.relu = true, .maps = execution_.maps});
            });
  }

  void conv_lstm() {
    const Maps cell = maps(kChannels, DType::kFloat32);
    constexpr std::size_t kCellBytes = kChannels * sizeof(float);
    measure("conv_lstm 64→4·32",
            {9 * 2 * kChannels * 4 * kChannels, 3 * kChannels * value_bytes_ + 2 * kCellBytes},
            [&](std::size_t k) {
              return engine::conv_lstm(x_[k], {y_[k], cell[k]}, lstm_, 1);
            });
    measure("conv_lstm 64→4·32, first step",
            {9 * kChannels * 4 * kChannels, 2 * kChannels * value_bytes_ + kCellBytes},
            [&](std::size_t k) { return engine::conv_lstm(x_[k], {}, lstm_, 1); });
  }

  void attended_conv(std::int64_t dilation) {
    const engine::AttendedConvWeights weights(random({kChannels, kChannels, 3, 3}), random_bias(kChannels),
                                              random({2, kChannels, 1, 1}), random({kChannels, 2, 1, 1}),
                                              random({kChannels, kChannels, 1, 1}), dilation, execution_);
    const Tensor sums = engine::conv_lstm(x_[0], {}, lstm_, dilation).hidden.shifted_sums;
    measure("attended_conv 32→32, dilation " + std::to_string(dilation),
            {9 * kChannels * kChannels, 3 * kChannels * value_bytes_}, [&](std::size_t k) {
              return engine::attended_conv({x_[k], sums, dilation}, weights, dilation, y_[k]);
            });
  }

  void conv_out() {
    const engine::Conv2dWeights weights(random({3, kChannels, 3, 3}), random_bias(3), {kChannels, 0}, {},
                                        execution_);
    const Maps rainy = maps(3, DType::kFloat32);
    measure("conv2d 32→3", {9 * kChannels * 3, kChannels * value_bytes_ + 6 * sizeof(float)},
            [&](std::size_t k) { return engine::conv2d(x_[k], weights, {.residual = rainy[k]}); });
  }

  const nlohmann::ordered_json& report() const { return report_; }

 private:
  bool cuda() const { return execution_.device == Device::kCuda; }

  Tensor random(const engine::Shape& shape) {
    return engine::from_host(values(shape.count()), shape, execution_.device);
  }
  Tensor random_bias(std::int64_t count) { return random({1, 1, 1, count}); }

  /// They come again after a while, which is long, and no multiple of a row.
  std::vector<float> values(std::int64_t count) {
    constexpr std::size_t kPeriod = 999'983;
    std::uniform_real_distribution<float> uniform(-0.1F, 0.1F);
    std::vector<float> result(static_cast<std::size_t>(count));
    for (std::size_t k = 0; k < result.size(); ++k)
      result[k] = k < kPeriod ? uniform(random_engine_) : result[k - kPeriod];
    return result;
  }

  Maps maps(std::int64_t channels, DType dtype) {
    constexpr std::int64_t kCacheBytes = 256 << 20, kMostMaps = 32;
    const engine::Shape shape{1, options_.height, options_.width, channels};
    const std::int64_t map_bytes =
        options_.height * options_.width * kChannels * static_cast<std::int64_t>(value_bytes_);
    const auto count =
        static_cast<std::size_t>(cuda() ? std::min(kCacheBytes / map_bytes + 1, kMostMaps) : 1);
    Maps result{visit_dtype(dtype, [&]<class T>(T) {
      const std::vector<float> numbers = values(shape.count());
      std::vector<T> stored(numbers.size());
      std::ranges::transform(numbers, stored.begin(), kernels::converted<T>);
      return engine::from_host(std::span<const T>(stored), shape, execution_.device);
    })};
    while (result.size() < count) {
      result.emplace_back(shape, execution_.device, dtype);
      engine::copy(result.front(), result.back());
    }
    return result;
  }

  engine::ConvLstmWeights lstm_weights() {
    std::array<Tensor, 4> weights, biases;
    for (Tensor& weight : weights) weight = random({kChannels, 2 * kChannels, 3, 3});
    for (Tensor& bias : biases) bias = random_bias(kChannels);
    return {weights, biases, execution_};
  }

  /// run(k): the operation on the k-th maps.
  template <class Run>
  std::vector<double> time_operation(const Run& run) {
    if (!cuda()) return time(Device::kCpu, options_.repeat, [&] { run(0); });
    // One graph of the operation on all maps: the host's part in a launch is not measured. All results stay
    // to the end, so that none is written into memory that the cache still has from the one before.
    const auto run_all = [&] {
      std::vector<decltype(run(0))> results;
      for (std::size_t k = 0; k < x_.size(); ++k) results.push_back(run(k));
    };
    const engine::PrivatePool pool(Device::kCuda);
    const engine::PrivatePool::Scope scope(pool);
    run_all();  // leaves in the pool what the graph needs
    engine::cuda::Graph graph(run_all);
    std::vector<double> seconds = time(Device::kCuda, options_.repeat, [&] { graph.launch(); });
    for (double& all : seconds) all /= static_cast<double>(x_.size());
    return seconds;
  }

  template <class Run>
  void measure(const std::string& name, const Cost& cost, const Run& run) {
    const std::vector<double> seconds = time_operation(run);
    const double per_second =
        static_cast<double>(options_.width * options_.height) / typical(execution_.device, seconds);
    const double flops = 2 * static_cast<double>(cost.multiply_adds) * per_second;
    const double bytes = static_cast<double>(cost.bytes) * per_second;
    const double percent = 100 * (cuda() ? bytes : flops) / peak_;
    const std::string mode(cuda() ? to_string(execution_.maps) : execution_.strict ? "strict" : "fast");
    nlohmann::ordered_json entry = {
        {"name", name}, {"mode", mode}, {"seconds", summary(seconds)}, {"gflops", flops * 1e-9}};
    if (cuda()) entry["gbytes_per_second"] = bytes * 1e-9;
    entry[cuda() ? "percent_of_copy" : "percent_of_peak"] = percent;
    report_.push_back(entry);
    print_line(name + ", " + mode, seconds,
               std::to_string(std::llround(flops * 1e-9)) + " GFLOP/s, " +
                   std::to_string(std::llround(percent)) + (cuda() ? " % of a copy" : " % of peak"));
  }

  KernelsOptions options_;
  Execution execution_;
  double peak_;
  std::size_t value_bytes_;
  std::minstd_rand random_engine_{1};
  nlohmann::ordered_json report_ = nlohmann::ordered_json::array();
  Maps x_, y_;
  engine::ConvLstmWeights lstm_;
};

}  // namespace

void bench_kernels(const KernelsOptions& options) {
  engine::set_threads(options.threads);
  const bool cuda = options.device == Device::kCuda;
  const double peak = cuda ? copy_rate() : fma_peak(options.threads);
  nlohmann::ordered_json report = {{"program", "sapnet-bench"},
                                   {"width", options.width},
                                   {"height", options.height},
                                   {"threads", options.threads},
                                   {"repeat", options.repeat},
                                   {"cpu", cpu_name()},
                                   {"device", engine::describe(options.device)}};
  report[cuda ? "copy_gbytes_per_second" : "fma_peak_gflops"] = peak * 1e-9;
  report["flops_counted"] = kFlopsCounted;
  report["kernels"] = nlohmann::ordered_json::array();
  const std::array<Execution, 2> executions =
      cuda ? std::array<Execution, 2>{{{.device = Device::kCuda},
                                       {.device = Device::kCuda, .maps = DType::kFloat16}}}
           : std::array<Execution, 2>{{{}, {.strict = true}}};
  for (const Execution& execution : executions) {
    Kernels kernels(options, execution, peak);
    kernels.conv_in();
    kernels.conv_lstm();
    for (const std::int64_t dilation : {1, 2, 4, 8, 16}) kernels.attended_conv(dilation);
    kernels.conv_out();
    for (const auto& entry : kernels.report()) report["kernels"].push_back(entry);
  }
  std::cout << report.dump(1) << '\n';
}

}  // namespace sapnet::bench
