#include <array>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/commands.h"
#include "bench/inputs.h"
#include "bench/measurement.h"
#include "bench/network_run.h"
#include "engine/device.h"
#include "engine/ops/feature_contrast.h"
#include "engine/tape.h"
#include "train/metrics/perception.h"

namespace sapnet::bench {

using engine::Tensor;

void bench_vgg(const VggOptions& options) {
  engine::set_threads(options.threads);
  const engine::Device device = options.device;
  const engine::Shape shape{options.batch, options.patch, options.patch, 3};
  const auto count = static_cast<std::size_t>(shape.count());
  const model::Vgg16 vgg = train::read_vgg16(options.weights, {.device = device, .maps = options.maps});
  Tensor images = engine::from_host(read_input(options.input, count), shape, device);
  images.track();

  // A loss of the last tap against fixed maps, whose cost is negligible.
  const std::size_t taps = vgg.taps();
  const Tensor deepest = vgg.features(images, taps).back();
  const auto filled = [&](float value) {
    return visit_dtype(options.maps, [&]<class T>(T) {
      const std::vector<T> values(static_cast<std::size_t>(deepest.shape().count()),
                                  kernels::to_storage<T>(value));
      return engine::from_host(std::span<const T>(values), deepest.shape(), device);
    });
  };
  const Tensor zeros = filled(0), ones = filled(1), weight = engine::scalar(1000, device);
  const auto run = [&] {
    *images.gradient() = {};
    engine::Tape tape;
    const Tensor loss = engine::feature_contrast(vgg.features(images, taps).back(), zeros, ones);
    tape.backward(std::array{engine::Tape::Term{loss, weight}});
  };
  nlohmann::ordered_json report = {
      {"program", "sapnet-bench"},
      {"mode", to_string(options.maps)},
      {"network", "VGG-16, " + train::covered_taps(vgg)},
      {"batch", options.batch},
      {"patch", options.patch},
  };
  const std::vector<double> seconds = measure(options, run, report);
  if (options.output) write_output(*options.output, *images.gradient());
  const std::string side = std::to_string(options.patch);
  print_line("VGG-16 forward and backward " + std::to_string(options.batch) + "x" + side + "x" + side + ", " +
                 std::string(to_string(options.maps)),
             seconds, "");
  std::cout << report.dump() << '\n';
}

}  // namespace sapnet::bench
