// Memory that tensors live in.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/device.h"

namespace sapnet::engine {

/// Free memory of one device, by size: what a dead buffer leaves is given to the next one of about its size.
class Pool;

/// A move-only block of memory, aligned to 64 bytes at least, drawn from a pool, so that a network's peak is
/// what is alive at once. Contents are undefined at first. Safe to use from several threads.
///
/// On a GPU the next buffer may get the memory while work on the last is still queued: all work is queued in
/// one order (engine/cuda.h).
class Buffer {
 public:
  /// Throws Error, with the size asked for, when memory runs out.
  Buffer(std::size_t bytes, Device device);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  void* data() { return data_; }
  const void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;     // asked for
  std::size_t capacity_ = 0;  // held
  Device device_ = Device::kCpu;
  std::shared_ptr<Pool> pool_;  // that it came from
};

/// While it lives, the thread's buffers on `device` come from a pool of their own, which no other buffer
/// shares, and which keeps what it has, whatever its size: a recorded graph goes on using the memory it was
/// recorded with, and while it is recorded no memory can come or go.
class PrivatePool {
 public:
  explicit PrivatePool(Device device);

  class Scope {
   public:
    explicit Scope(const PrivatePool& pool);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::shared_ptr<Pool> before_;
  };

 private:
  std::shared_ptr<Pool> pool_;
};

struct MemoryReport {
  std::size_t in_use = 0;  // bytes that live buffers hold
  std::size_t peak = 0;    // the largest in_use since the program began or reset_peak()
  std::size_t pooled = 0;  // bytes kept for the next buffers
};

MemoryReport memory_report(Device device);

/// Starts a new peak from what is in use now.
void reset_peak(Device device);

/// Gives pooled memory back to the system; what private pools keep excepted.
void release_pool(Device device);

/// Bytes that the device can give without taking them from others, what is pooled included; without limit
/// where it does not tell. To be asked before work that takes many blocks: Linux grants every one of them,
/// for a block costs it nothing until it is written to, and then kills the program.
std::size_t available_memory(Device device);

/// "502 MiB", rounded up, for messages.
std::string mebibytes(std::size_t bytes);

}  // namespace sapnet::engine
