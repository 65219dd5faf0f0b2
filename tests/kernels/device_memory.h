// Device arrays for kernel tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <type_traits>
#include <vector>

#include "engine/cuda.h"
#include "engine/dtype.h"
#include "engine/error.h"
#include "tests/catch.h"
#include "tests/kernels/guarded_array.h"
#include "tests/sanitizers.h"

namespace sapnet::tests {

#ifdef SAPNET_TEST_ASAN
inline constexpr std::size_t kBand = 0;  // the emulator itself checks bounds
#else
inline constexpr std::size_t kBand = 4096;  // bytes
#endif

/// Converts between the storage types of a host and a device array.
template <class To, class From>
To converted(From value) {
  if constexpr (std::is_same_v<From, To>)
    return value;
  else if constexpr (std::is_same_v<To, float>)
    return kernels::to_float(value);
  else
    return kernels::to_half(value);
}

/// A device copy of a host array, between two guard bands that no kernel may change.
template <class T>
class GuardedDeviceArray {
 public:
  /// A copy of `size` values, or undefined content if `host` is null.
  template <class Host>
  GuardedDeviceArray(const Host* host, std::int64_t size) : size_(static_cast<std::size_t>(size)) {
    std::vector<T> values(size_);
    std::memset(static_cast<void*>(values.data()), 0xff, bytes());  // NaN
    if (host) std::transform(host, host + size_, values.begin(), converted<T, Host>);
    std::vector<unsigned char> all(bytes() + 2 * kBand, kCanary);
    std::memcpy(all.data() + kBand, static_cast<const void*>(values.data()), bytes());
    memory_ = static_cast<unsigned char*>(engine::cuda::allocate(all.size()));
    if (!memory_) throw Error("the device has no memory left");
    engine::cuda::upload(memory_, all.data(), all.size());
  }
  /// Undefined content.
  explicit GuardedDeviceArray(std::size_t size)
      : GuardedDeviceArray(static_cast<const T*>(nullptr), static_cast<std::int64_t>(size)) {}
  explicit GuardedDeviceArray(const std::vector<T>& values)
      : GuardedDeviceArray(values.data(), static_cast<std::int64_t>(values.size())) {}
  GuardedDeviceArray(const GuardedDeviceArray&) = delete;
  GuardedDeviceArray& operator=(const GuardedDeviceArray&) = delete;
  ~GuardedDeviceArray() { engine::cuda::release(memory_); }

  T* data() { return reinterpret_cast<T*>(memory_ + kBand); }

  /// The values, after all earlier work has finished. Fails the test if a guard band has changed.
  std::vector<T> read() {
    std::vector<unsigned char> all(bytes() + 2 * kBand);
    engine::cuda::download(all.data(), memory_, all.size());
    const auto untouched = [](unsigned char byte) { return byte == kCanary; };
    CHECK(std::all_of(all.begin(), all.begin() + kBand, untouched));
    CHECK(std::all_of(all.end() - kBand, all.end(), untouched));
    std::vector<T> values(size_);
    std::memcpy(static_cast<void*>(values.data()), all.data() + kBand, bytes());
    return values;
  }

  /// The same, into an array of the host.
  template <class Host>
  void read_to(Host* host) {
    const std::vector<T> values = read();
    std::transform(values.begin(), values.end(), host, converted<Host, T>);
  }

 private:
  static constexpr unsigned char kCanary = 0xc5;

  std::size_t bytes() const { return size_ * sizeof(T); }

  std::size_t size_;
  unsigned char* memory_ = nullptr;
};

/// The device arrays of one call of an operation.
class DeviceArrays {
 public:
  /// Sets `device` to a copy of the GuardedArray at `host`, or to null. Floats are converted to Half if that
  /// is the type of `device`; any other type is copied as its bytes. Arrays that alias on the host do so on
  /// the device. Host: const for an array that the operation only reads.
  template <class Host, class Device>
  void copy(Host* host, Device*& device) {
    using T =
        std::conditional_t<std::is_same_v<std::remove_const_t<Device>, engine::Half>, engine::Half, float>;
    device = nullptr;
    if (!host) return;
    auto* const floats = reinterpret_cast<float*>(const_cast<std::remove_const_t<Host>*>(host));
    std::shared_ptr<void>& copied = copies_[floats];
    if (!copied)
      copied = std::make_shared<GuardedDeviceArray<T>>(
          floats, static_cast<std::int64_t>(GuardedArray::size_at(floats)));
    const auto array = std::static_pointer_cast<GuardedDeviceArray<T>>(copied);
    device = reinterpret_cast<Device*>(array->data());
    if constexpr (std::is_const_v<Host>)
      finish_.push_back([array] { array->read(); });
    else
      finish_.push_back([array, floats] { array->read_to(floats); });
  }

  /// Memory for a workspace of this many floats.
  float* workspace(std::int64_t floats) {
    const auto array = std::make_shared<GuardedDeviceArray<float>>(static_cast<std::size_t>(floats));
    finish_.push_back([array] { array->read(); });
    return array->data();
  }

  /// After the operation: copies what it may have written back to the host, and checks all guard bands.
  void finish() {
    for (const auto& array : finish_) array();
  }

 private:
  std::map<const void*, std::shared_ptr<void>> copies_;
  std::vector<std::function<void()>> finish_;
};

}  // namespace sapnet::tests
