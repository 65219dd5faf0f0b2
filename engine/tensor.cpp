#include "engine/tensor.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "engine/cuda.h"
#include "engine/error.h"
#include "engine/parameters.h"

namespace sapnet::engine {
namespace {

std::size_t checked_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : {shape.n, shape.h, shape.w, shape.c})
    if (extent < 1 || __builtin_mul_overflow(count, extent, &count) ||
        count > std::numeric_limits<std::int64_t>::max() / 8)
      throw Error("invalid tensor shape " + to_string(shape));
  return static_cast<std::size_t>(count);
}

void check_count(std::size_t values, const Shape& shape) {
  if (static_cast<std::int64_t>(values) != shape.count())
    throw Error(std::to_string(values) + " values do not match a tensor of shape " + to_string(shape));
}

}  // namespace

std::string to_string(const Shape& shape) {
  return to_string(std::array<std::int64_t, 4>{shape.n, shape.h, shape.w, shape.c});
}

Tensor::Tensor(const Shape& shape, Device device, DType dtype)
    : shape_(shape),
      dtype_(dtype),
      buffer_(std::make_shared<Buffer>(checked_count(shape) * size_of(dtype), device)) {}

Tensor Tensor::slice(std::int64_t first, const Shape& shape) const {
  if (first < 0 || first + static_cast<std::int64_t>(checked_count(shape)) > shape_.count())
    throw Error("a tensor of shape " + to_string(shape_) + " has no slice of shape " + to_string(shape) +
                " at offset " + std::to_string(first));
  Tensor part = *this;
  part.shape_ = shape;
  part.first_ += first;
  part.gradient_ = nullptr;
  return part;
}

void Tensor::track(Tensor gradient) {
  if (gradient && gradient.shape() != shape_)
    throw Error("a gradient of shape " + to_string(gradient.shape()) + " does not match a tensor of shape " +
                to_string(shape_));
  gradient_ = std::make_shared<Tensor>(std::move(gradient));
}

void Tensor::track() { track({}); }

void Tensor::check_dtype(DType dtype) const {
  if (dtype != dtype_)
    throw Error("a tensor of " + std::string(to_string(dtype_)) + " was accessed as " +
                std::string(to_string(dtype)));
}

namespace {

template <class T>
Tensor tensor_from_host(std::span<const T> values, const Shape& shape, Device device) {
  check_count(values.size(), shape);
  Tensor tensor(shape, device, kDTypeOf<T>);
  if (device == Device::kCuda)
    cuda::upload(tensor.data<T>(), values.data(), values.size_bytes());
  else
    std::ranges::copy(values, tensor.data<T>());
  return tensor;
}

template <class T>
void tensor_to_host(const Tensor& tensor, std::span<T> values) {
  if (tensor.device() == Device::kCuda)
    cuda::download(values.data(), tensor.data<T>(), values.size_bytes());
  else
    std::copy_n(tensor.data<T>(), values.size(), values.data());
}

}  // namespace

Tensor from_host(std::span<const float> values, const Shape& shape, Device device) {
  return tensor_from_host(values, shape, device);
}

Tensor from_host(std::span<const Half> values, const Shape& shape, Device device) {
  return tensor_from_host(values, shape, device);
}

void to_host(const Tensor& tensor, std::span<float> values) {
  check_count(values.size(), tensor.shape());
  if (tensor.dtype() == DType::kFloat32) return tensor_to_host(tensor, values);
  std::vector<Half> halves(values.size());
  tensor_to_host(tensor, std::span(halves));
  std::ranges::transform(halves, values.begin(), kernels::to_float);
}

Tensor zeros(const Shape& shape, Device device) {
  Tensor tensor(shape, device);
  set_zero(tensor);
  return tensor;
}

void set_zero(Tensor& tensor) {
  visit_dtype(tensor.dtype(), [&]<class T>(T) {
    const auto count = static_cast<std::size_t>(tensor.shape().count());
    if (tensor.device() == Device::kCuda)
      cuda::set_zero(tensor.data<T>(), count * sizeof(T));
    else
      std::fill_n(tensor.data<T>(), count, T());
  });
}

std::vector<float> to_vector(const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.shape().count()));
  to_host(tensor, values);
  return values;
}

Tensor scalar(float value, Device device) { return from_host(std::array{value}, {1, 1, 1, 1}, device); }

Tensor on_device(const Tensor& tensor, Device device) {
  if (tensor.device() == device) return tensor;
  return from_host(to_vector(tensor), tensor.shape(), device);
}

void copy(const Tensor& from, Tensor& to) {
  if (from.shape() != to.shape() || from.dtype() != to.dtype() ||
      (from.device() == Device::kCuda && to.device() == Device::kCpu))
    throw Error("a tensor of shape " + to_string(from.shape()) + " cannot be copied into one of shape " +
                to_string(to.shape()));
  visit_dtype(from.dtype(), [&]<class T>(T) {
    const auto count = static_cast<std::size_t>(from.shape().count());
    if (from.device() == Device::kCuda)
      cuda::copy(to.data<T>(), from.data<T>(), count * sizeof(T));
    else if (to.device() == Device::kCuda)
      cuda::upload(to.data<T>(), from.data<T>(), count * sizeof(T));
    else
      std::copy_n(from.data<T>(), count, to.data<T>());
  });
}

}  // namespace sapnet::engine
