// Device arrays on the bare CUDA runtime, for tests that do not use the engine.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <vector>

#include "tests/catch.h"

namespace sapnet::tests {

inline void ok(cudaError_t error) {
  if (error != cudaSuccess) FAIL(cudaGetErrorName(error) << ": " << cudaGetErrorString(error));
}

/// Values on the device.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) : count_(count) {
    void* data = nullptr;
    ok(cudaMalloc(&data, count * sizeof(T)));
    data_ = static_cast<T*>(data);
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    ok(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* get() const { return data_; }
  /// Waits for the default stream.
  std::vector<T> read() const {
    std::vector<T> values(count_);
    ok(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

}  // namespace sapnet::tests
