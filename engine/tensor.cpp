#include "engine/tensor.h"

#include <algorithm>
#include <array>
#include <limits>

#include "engine/error.h"
#include "engine/parameters.h"

namespace sapnet::engine {
namespace {

std::size_t checked_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : {shape.n, shape.h, shape.w, shape.c})
    if (extent < 1 || __builtin_mul_overflow(count, extent, &count) ||
        count > std::numeric_limits<std::int64_t>::max() / 8)
      throw Error("no tensor can have the shape " + to_string(shape));
  return static_cast<std::size_t>(count);
}

void check_count(std::size_t values, const Shape& shape) {
  if (static_cast<std::int64_t>(values) != shape.count())
    throw Error(std::to_string(values) + " values do not fill a tensor of shape " + to_string(shape));
}

}  // namespace

std::string to_string(const Shape& shape) {
  return to_string(std::array<std::int64_t, 4>{shape.n, shape.h, shape.w, shape.c});
}

Tensor::Tensor(const Shape& shape, Device device)
    : shape_(shape), buffer_(std::make_shared<Buffer>(checked_count(shape), device)) {}

Tensor from_host(std::span<const float> values, const Shape& shape, Device device) {
  check_count(values.size(), shape);
  Tensor tensor(shape, device);
  std::ranges::copy(values, tensor.data());
  return tensor;
}

void to_host(const Tensor& tensor, std::span<float> values) {
  check_count(values.size(), tensor.shape());
  std::copy_n(tensor.data(), values.size(), values.data());
}

}  // namespace sapnet::engine
