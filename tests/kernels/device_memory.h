// Device arrays for kernel tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/cuda.h"
#include "engine/dtype.h"
#include "engine/error.h"
#include "tests/catch.h"
#include "tests/sanitizers.h"

namespace sapnet::tests {

#ifdef SAPNET_TEST_ASAN
inline constexpr std::size_t kBand = 0;  // the emulator itself checks bounds
#else
inline constexpr std::size_t kBand = 4096;  // bytes
#endif

/// A device copy of a host array of floats, between two guard bands that no kernel may change. Null if empty
/// or absent.
template <class T>
class DeviceArray {
 public:
  /// host: null for undefined content.
  DeviceArray(const float* host, std::int64_t size) : size_(static_cast<std::size_t>(size)) {
    if (size_ == 0) return;
    std::vector<T> values(size_);
    std::memset(static_cast<void*>(values.data()), 0xff, bytes());  // NaN
    if (host) std::transform(host, host + size_, values.begin(), kernels::to_storage<T>);
    fill(values.data());
  }
  /// Undefined content.
  explicit DeviceArray(std::size_t size) : DeviceArray(nullptr, static_cast<std::int64_t>(size)) {}
  explicit DeviceArray(const std::vector<T>& values) : size_(values.size()) { fill(values.data()); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() {
    if (memory_) engine::cuda::release(memory_);
  }

  T* data() { return memory_ ? reinterpret_cast<T*>(memory_ + kBand) : nullptr; }

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

  /// The same, as floats into host memory; null: check only the guard bands.
  void read_to(float* host) {
    if (!memory_) return;
    const std::vector<T> values = read();
    if (host) std::transform(values.begin(), values.end(), host, [](T value) { return to_float(value); });
  }

 private:
  static constexpr unsigned char kCanary = 0xc5;

  static float to_float(float value) { return value; }
  static float to_float(engine::Half value) { return kernels::to_float(value); }

  std::size_t bytes() const { return size_ * sizeof(T); }

  void fill(const T* values) {
    std::vector<unsigned char> all(bytes() + 2 * kBand, kCanary);
    std::memcpy(all.data() + kBand, static_cast<const void*>(values), bytes());
    memory_ = static_cast<unsigned char*>(engine::cuda::allocate(all.size()));
    if (!memory_) throw Error("the device has no memory left");
    engine::cuda::upload(memory_, all.data(), all.size());
  }

  std::size_t size_;
  unsigned char* memory_ = nullptr;
};

using Floats = DeviceArray<float>;

/// Kernels write shifted sums in a device-dependent number of partials; this adds them up.
class Sums {
 public:
  Sums(bool wanted, std::int64_t images, std::int64_t partials, std::int64_t channels)
      : images_(static_cast<std::size_t>(images)),
        partials_(static_cast<std::size_t>(partials)),
        size_(static_cast<std::size_t>(9 * channels)),
        device_(nullptr, wanted ? images * partials * 9 * channels : 0) {}

  float* data() { return device_.data(); }

  void read_to(float* host) {
    if (!device_.data()) return;
    const std::vector<float> all = device_.read();
    for (std::size_t image = 0; image < images_; ++image) {
      for (std::size_t k = 0; k < size_; ++k) {
        double sum = 0;
        for (std::size_t part = 0; part < partials_; ++part)
          sum += static_cast<double>(all[(image * partials_ + part) * size_ + k]);
        *host++ = static_cast<float>(sum);
      }
    }
  }

 private:
  std::size_t images_, partials_, size_;
  DeviceArray<float> device_;
};

}  // namespace sapnet::tests
