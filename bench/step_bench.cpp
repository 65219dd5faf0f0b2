#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/commands.h"
#include "bench/inputs.h"
#include "bench/measurement.h"
#include "bench/network_run.h"
#include "engine/device.h"
#include "train/trainer.h"
#include "weights/weight_file.h"

namespace sapnet::bench {
namespace {

/// -SSIM only, or the four losses with the weights of train/configs/paper.json and a random ResNet.
train::TrainConfig config_of(const StepOptions& options) {
  train::TrainConfig config;
  config.patch = static_cast<int>(options.patch);
  if (options.perception) {
    config.contrast_weight = config.lpips_weight = config.segmentation_weight = 0.1;
    config.vgg_weights = options.perception->vgg;
    config.lpips_weights = options.perception->lpips;
  }
  return config;
}

}  // namespace

void bench_step(const StepOptions& options) {
  engine::set_threads(options.threads);
  const engine::Device device = options.device;
  const engine::Shape shape{options.batch, options.patch, options.patch, 3};
  const auto count = static_cast<std::size_t>(shape.count());
  const std::vector<float> images = read_input(options.input, 2 * count);
  const std::span<const float> all(images);
  const train::Batch batch{.rainy = engine::from_host(all.first(count), shape, device),
                           .clean = engine::from_host(all.last(count), shape, device)};
  train::Trainer trainer(config_of(options), {.parameters = weights::read_weights(options.weights)},
                         {.device = device, .maps = options.maps});

  nlohmann::ordered_json report = {
      {"program", "sapnet-bench"},
      {"mode", to_string(options.maps)},
      {"network", trainer.network().name()},
      {"loss", options.perception ? "all" : "ssim"},
      {"batch", options.batch},
      {"patch", options.patch},
  };
  std::vector<double> losses;
  const std::vector<double> seconds = measure(
      options, [&] { losses.push_back(trainer.step(batch).loss); }, report);
  report["losses"] = losses;
  const std::string side = std::to_string(options.patch);
  print_line("training step, " + std::string(report["loss"]) + ", " + std::to_string(options.batch) + "x" +
                 side + "x" + side + ", " + std::string(to_string(options.maps)),
             seconds, "");
  std::cout << report.dump() << '\n';
}

}  // namespace sapnet::bench
