// Small batches, settings and weights for fast training tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/tensor.h"
#include "model/network.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/data/loader.h"
#include "train/rain/rng.h"

namespace sapnet::tests {

/// Noise, and the same noise with sparse added light, which can be learned.
inline train::Batch batch(std::int64_t step, std::int64_t epoch = 0,
                          const engine::Shape& shape = {2, 16, 16, 3}) {
  std::vector<float> clean;
  train::Rng rng(1, train::Stream::kPatch, static_cast<std::uint32_t>(step));
  for (std::int64_t k = 0; k < shape.count(); ++k) clean.push_back(rng.between(0, 0.5F));
  std::vector<float> rainy = clean;
  for (std::size_t k = 0; k < rainy.size(); k += 7) rainy[k] += 0.4F;
  return {.rainy = engine::from_host(rainy, shape, engine::Device::kCpu),
          .clean = engine::from_host(clean, shape, engine::Device::kCpu),
          .epoch = epoch,
          .step = step};
}

inline train::TrainConfig small() {
  train::TrainConfig config;
  config.stages = 2;
  config.learning_rate = 1e-3;
  config.learning_rate_epochs = {1};
  return config;
}

inline train::TrainingState fresh() { return {.parameters = model::init_parameters("SAPNet", 1)}; }

}  // namespace sapnet::tests
