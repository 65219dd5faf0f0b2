// Random inputs for benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::bench {

/// Creates tensors of random numbers on a device: different on each call, the same in each run of the
/// program.
class MapMaker {
 public:
  explicit MapMaker(engine::Device device) : device_(device) {}

  /// Uniform in ±0.1. The numbers repeat after a long period that is not a multiple of a row.
  engine::Tensor map(const engine::Shape& shape, engine::DType dtype = engine::DType::kFloat32);
  std::vector<engine::Tensor> maps(std::size_t count, const engine::Shape& shape, engine::DType dtype);
  engine::Tensor bias(std::int64_t count) { return map({1, 1, 1, count}); }

 private:
  engine::Device device_;
  std::minstd_rand random_{1};
};

}  // namespace sapnet::bench
