// Tensors: the inputs and outputs of operations.
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

/// (n, h, w, c): images, rows, columns, channels; channels are contiguous in memory.
struct Shape {
  std::int64_t n = 0, h = 0, w = 0, c = 0;

  std::int64_t count() const { return n * h * w * c; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// "(1, 321, 481, 32)", for messages.
std::string to_string(const Shape& shape);

/// A handle to an array of shape (n, h, w, c), fp32 or, on a GPU, fp16. Copies share the memory, which
/// returns to the pool with the last copy. A default-constructed tensor is empty and converts to false.
class Tensor {
 public:
  Tensor() = default;
  /// Contents are undefined. Throws Error if an extent is not positive or memory runs out.
  Tensor(const Shape& shape, Device device, DType dtype = DType::kFloat32);

  explicit operator bool() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  Device device() const { return buffer_->device(); }
  DType dtype() const { return dtype_; }

  /// T: float or Half; throws Error if it does not match dtype(). On a GPU, a device address.
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

  /// A view of shape.count() elements from element `first` on; it has no gradient until it is tracked itself.
  /// Throws Error if it extends past the end.
  Tensor slice(std::int64_t first, const Shape& shape) const;

  /// Whether no other tensor shares this memory. If so, an operation that owns the handle may write in place.
  bool unique() const { return buffer_.use_count() == 1; }

  /// Makes a Tape compute the gradient of the loss with respect to this tensor and accumulate it into
  /// `gradient`, of the same shape; an empty one counts as zero.
  void track(Tensor gradient);
  void track();
  bool tracked() const { return gradient_ != nullptr; }
  /// Shared by all copies; null if not tracked.
  const std::shared_ptr<Tensor>& gradient() const { return gradient_; }

 private:
  void check_dtype(DType dtype) const;

  Shape shape_;
  DType dtype_ = DType::kFloat32;
  std::int64_t first_ = 0;  // offset into the buffer, in elements
  std::shared_ptr<Buffer> buffer_;
  std::shared_ptr<Tensor> gradient_;
};

Tensor zeros(const Shape& shape, Device device);
void set_zero(Tensor& tensor);

/// Copies shape.count() host values, in (n, h, w, c) order, into a new tensor on the device.
Tensor from_host(std::span<const float> values, const Shape& shape, Device device);
Tensor from_host(std::span<const Half> values, const Shape& shape, Device device);

/// Copies a tensor's values to the host, converting fp16 to fp32. `values` must have exactly as many
/// elements.
void to_host(const Tensor& tensor, std::span<float> values);
std::vector<float> to_vector(const Tensor& tensor);

/// A tensor with one element.
Tensor scalar(float value, Device device);

/// The tensor itself if it is on the device, else a copy on it.
Tensor on_device(const Tensor& tensor, Device device);

/// Copies into a tensor of the same shape and dtype, on the same device or from the host to a GPU.
void copy(const Tensor& from, Tensor& to);

}  // namespace sapnet::engine
