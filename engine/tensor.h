// The value that operations take and give.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::engine {

/// (n, h, w, c): images, rows, columns, channels; channels lie closest in memory.
struct Shape {
  std::int64_t n = 0, h = 0, w = 0, c = 0;

  std::int64_t count() const { return n * h * w * c; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// "(1, 321, 481, 32)", for messages.
std::string to_string(const Shape& shape);

/// A handle to an array of shape (n, h, w, c), of fp32 or, on a GPU, fp16 numbers. Copies share the memory;
/// the memory goes back to the pool with the last copy. A default-made tensor is empty and tests false.
class Tensor {
 public:
  Tensor() = default;
  /// Contents are undefined. Throws Error when an extent is not positive or memory runs out.
  Tensor(const Shape& shape, Device device, DType dtype = DType::kFloat32);

  explicit operator bool() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  Device device() const { return buffer_->device(); }
  DType dtype() const { return dtype_; }

  /// T: float or Half, as dtype() says; throws Error when it is not that. On a GPU, an address there.
  template <class T = float>
  T* data() {
    check_dtype(kDTypeOf<T>);
    return static_cast<T*>(buffer_->data()) + first_;
  }
  template <class T = float>
  const T* data() const {
    check_dtype(kDTypeOf<T>);
    return static_cast<const T*>(buffer_->data()) + first_;
  }

  /// As many numbers of this tensor from number `first` on as `shape` takes; they stay this tensor's, and
  /// have no gradient until they are tracked themselves. Throws Error when they reach beyond its end.
  Tensor slice(std::int64_t first, const Shape& shape) const;

  /// No other tensor shares this memory, so an operation that was given it for good may write in place.
  bool unique() const { return buffer_.use_count() == 1; }

  /// Has a Tape find the gradient of a loss by this tensor, which gathers in `gradient`: what is there
  /// already, of the same shape, is added to; an empty one stands for zero.
  void track(Tensor gradient);
  void track();
  bool tracked() const { return gradient_ != nullptr; }
  /// Shared by all copies; null when not tracked.
  const std::shared_ptr<Tensor>& gradient() const { return gradient_; }

 private:
  void check_dtype(DType dtype) const;

  Shape shape_;
  DType dtype_ = DType::kFloat32;
  std::int64_t first_ = 0;  // of the buffer's numbers
  std::shared_ptr<Buffer> buffer_;
  std::shared_ptr<Tensor> gradient_;
};

Tensor zeros(const Shape& shape, Device device);
void set_zero(Tensor& tensor);

/// Copies host values (as many as shape.count(), in (n, h, w, c) order) into a new tensor on the device.
Tensor from_host(std::span<const float> values, const Shape& shape, Device device);
Tensor from_host(std::span<const Half> values, const Shape& shape, Device device);

/// Copies a tensor's values, fp16 as fp32, into `values`, which must hold exactly as many.
void to_host(const Tensor& tensor, std::span<float> values);
std::vector<float> to_vector(const Tensor& tensor);

/// A tensor of one number.
Tensor scalar(float value, Device device);

/// The tensor itself where it lies on the device, else a copy that does.
Tensor on_device(const Tensor& tensor, Device device);

/// Copies values into a tensor of the same shape and dtype, on the same device or from the host to a GPU.
void copy(const Tensor& from, Tensor& to);

}  // namespace sapnet::engine
