#include "bench/kernels/maps.h"

#include <algorithm>
#include <span>

#include "kernels/half.h"

namespace sapnet::bench {

using engine::Tensor;

Tensor MapMaker::map(const engine::Shape& shape, engine::DType dtype) {
  constexpr std::int64_t kPeriod = 999'983;
  const std::int64_t count = shape.count(), drawn = std::min(count, kPeriod);
  Tensor map(shape, device_, dtype);
  const Tensor block = visit_dtype(dtype, [&]<class T>(T) {
    std::uniform_real_distribution<float> uniform(-0.1F, 0.1F);
    std::vector<T> numbers(static_cast<std::size_t>(drawn));
    for (T& number : numbers) number = kernels::to_storage<T>(uniform(random_));
    return engine::from_host(std::span<const T>(numbers), {1, 1, 1, drawn}, device_);
  });
  for (std::int64_t first = 0; first < count; first += drawn) {
    const engine::Shape part = {1, 1, 1, std::min(drawn, count - first)};
    Tensor to = map.slice(first, part);
    engine::copy(block.slice(0, part), to);
  }
  return map;
}

std::vector<Tensor> MapMaker::maps(std::size_t count, const engine::Shape& shape, engine::DType dtype) {
  std::vector<Tensor> all;
  for (std::size_t k = 0; k < count; ++k) all.push_back(map(shape, dtype));
  return all;
}

}  // namespace sapnet::bench
