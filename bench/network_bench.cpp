#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/commands.h"
#include "bench/inputs.h"
#include "bench/machine.h"
#include "bench/measurement.h"
#include "bench/network_run.h"
#include "engine/device.h"
#include "engine/error.h"
#include "model/network.h"
#include "weights/weight_file.h"

namespace sapnet::bench {
namespace {

/// Multiply-adds per pixel over all stages, counted for direct convolution: one per weight of a k×k
/// convolution. The 1×1 convolutions of the attention act on a single mean, not on pixels.
double multiply_adds_per_pixel(const engine::Parameters& weights) {
  double count = 0;
  for (const engine::Parameter& parameter : weights.all())
    if (parameter.shape.size() == 4 && parameter.shape[2] > 1)
      count += static_cast<double>(parameter.values.size());
  return count * model::kStages;
}

}  // namespace

void bench_network(const NetworkOptions& options) {
  engine::set_threads(options.threads);
  const engine::Device device = options.device;
  const engine::Shape shape{1, options.height, options.width, 3};
  const auto count = static_cast<std::size_t>(shape.count());
  const engine::Parameters weights = weights::read_weights(options.weights);
  const auto network =
      model::make_network(weights, {.device = device, .strict = options.strict, .maps = options.maps});
  const engine::Tensor rainy = engine::from_host(read_input(options.input, count), shape, device);

  const bool cuda = device == engine::Device::kCuda;
  const std::string precision(to_string(options.maps));
  nlohmann::ordered_json report = {
      {"program", "sapnet-bench"},  {"mode", cuda ? precision : options.strict ? "strict" : "fast"},
      {"network", network->name()}, {"width", options.width},
      {"height", options.height},
  };
  engine::Tensor derained;
  const auto run = [&] {
    derained = {};
    derained = network->forward(rainy, model::kStages);
  };
  const std::vector<double> seconds = measure(options, run, report);
  if (options.output) write_output(*options.output, derained);

  const double flops = 2 * multiply_adds_per_pixel(weights) *
                       static_cast<double>(options.width * options.height) / typical(device, seconds);
  report["gflops"] = flops * 1e-9;
  if (!cuda) {
    const double peak = fma_peak(options.threads);
    report["fma_peak_gflops"] = peak * 1e-9;
    report["flops_counted"] = kFlopsCounted;
    report["percent_of_peak"] = 100 * flops / peak;
  }
  print_line(std::string(network->name()) + ' ' + std::to_string(options.width) + 'x' +
                 std::to_string(options.height) + ' ' + std::string(report["mode"]),
             seconds, std::to_string(std::llround(flops * 1e-9)) + " GFLOP/s");
  std::cout << report.dump() << '\n';
}

}  // namespace sapnet::bench
