// Memory that tensors live in.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/device.h"

namespace sapnet::engine {

/// A move-only block of floats, 64-byte aligned, drawn from a pool: memory that a dead buffer leaves is
/// given to the next one of about its size, so a network's peak is what is alive at once.
/// Contents are undefined at first. Safe to use from several threads.
class Buffer {
 public:
  /// Room for `count` floats. Throws Error, with the size asked for, when memory runs out.
  Buffer(std::size_t count, Device device);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t count() const { return count_; }
  Device device() const { return device_; }

 private:
  float* data_ = nullptr;
  std::size_t count_ = 0;     // floats asked for
  std::size_t capacity_ = 0;  // bytes held
  Device device_ = Device::kCpu;
};

struct MemoryReport {
  std::size_t in_use = 0;  // bytes that live buffers hold
  std::size_t peak = 0;    // the largest in_use since the program began or reset_peak()
  std::size_t pooled = 0;  // bytes kept for the next buffers
};

MemoryReport memory_report(Device device);

/// Starts a new peak from what is in use now.
void reset_peak(Device device);

/// Gives pooled memory back to the system.
void release_pool(Device device);

}  // namespace sapnet::engine
