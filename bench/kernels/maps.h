// Inputs of benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::bench {

/// Makes tensors on a device from random numbers, other ones each time, the same in each run of the program.
class MapMaker {
 public:
  explicit MapMaker(engine::Device device) : device_(device) {}

  /// Evenly spread over ±0.1. They come again after a while, which is long, and no multiple of a row.
  engine::Tensor map(const engine::Shape& shape, engine::DType dtype = engine::DType::kFloat32);
  std::vector<engine::Tensor> maps(std::size_t count, const engine::Shape& shape, engine::DType dtype);
  engine::Tensor bias(std::int64_t count) { return map({1, 1, 1, count}); }

 private:
  engine::Device device_;
  std::minstd_rand random_{1};
};

}  // namespace sapnet::bench
