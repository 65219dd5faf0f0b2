#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/commands.h"
#include "bench/inputs.h"
#include "bench/machine.h"
#include "bench/measurement.h"
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
  const std::vector<float> images = options.input ? read_input(*options.input, 2 * count) : noise(2 * count);
  const std::span<const float> all(images);
  const train::Batch batch{.rainy = engine::from_host(all.first(count), shape, device),
                           .clean = engine::from_host(all.last(count), shape, device)};
  train::Trainer trainer(config_of(options), {.parameters = weights::read_weights(options.weights)},
                         {.device = device, .maps = options.maps});

  const std::size_t memory_before = process_memory("VmRSS");
  engine::reset_peak(device);
  std::vector<double> losses;
  const std::vector<double> seconds =
      time(device, options.repeat, [&] { losses.push_back(trainer.step(batch).loss); });
  const nlohmann::ordered_json report = {
      {"program", "sapnet-bench"},
      {"mode", to_string(options.maps)},
      {"network", trainer.network().name()},
      {"loss", options.perception ? "all" : "ssim"},
      {"batch", options.batch},
      {"patch", options.patch},
      {"threads", options.threads},
      {"repeat", options.repeat},
      {"seconds", summary(seconds)},
      {"losses", losses},
      {"peak_memory_bytes", process_memory("VmHWM")},
      {"memory_before_bytes", memory_before},
      {"tensor_peak_bytes", engine::memory_report(device).peak},
      {"cpu", cpu_name()},
      {"device", engine::describe(device)},
  };
  const std::string side = std::to_string(options.patch);
  print_line("training step, " + std::string(report["loss"]) + ", " + std::to_string(options.batch) + "x" +
                 side + "x" + side + ", " + std::string(to_string(options.maps)),
             seconds, "");
  std::cout << report.dump() << '\n';
}

}  // namespace sapnet::bench
