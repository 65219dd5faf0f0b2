// Pooled memory for tensors.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"

namespace sapnet::engine {

/// A device's free blocks, sorted by size, and perhaps the CUDA graph that uses them.
class Pool;

/// A move-only block of memory, aligned to at least 64 bytes and allocated from a pool, so that a network's
/// peak memory is only that of the buffers alive at the same time. Contents are initially undefined.
/// Thread-safe.
///
/// On a GPU, memory may be reused while work on the previous buffer is still queued, because all work runs in
/// order on one stream (engine/cuda.h).
class Buffer {
 public:
  /// Throws Error with the requested size when memory runs out.
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
  std::size_t bytes_ = 0;     // requested
  std::size_t capacity_ = 0;  // allocated
  Device device_ = Device::kCpu;
  std::shared_ptr<Pool> pool_;  // owns the block
};

/// While a Scope lives, the thread's buffers on `device` come from this pool, which shares no memory with
/// other pools.
///
/// The pool may have a CUDA graph, which keeps using the addresses it was captured with. So the pool frees no
/// memory, unless an allocation fails. Then pools that have neither a graph nor a scope release their free
/// blocks; if that is not enough, pools in no scope destroy their graphs too; and last, pools in a scope but
/// without a graph release theirs, after which a capture there may fail.
class PrivatePool {
 public:
  explicit PrivatePool(Device device);
  ~PrivatePool();
  PrivatePool(const PrivatePool&) = delete;
  PrivatePool& operator=(const PrivatePool&) = delete;

  class Scope {
   public:
    explicit Scope(const PrivatePool& pool);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::shared_ptr<Pool> pool_, before_;
  };

  /// Captures work in a scope, as a graph that replaces an earlier one; see cuda::Graph. Nothing can be
  /// allocated during capture: run `work` in a scope first, to fill the pool.
  void capture(const std::function<void()>& work);

  /// A graph stays while a scope lives. Otherwise it may be destroyed at any time.
  bool has_graph() const;

  /// Queues the graph's work. Call it in the scope in which has_graph() was true.
  void launch();

  void drop_graph();

 private:
  std::shared_ptr<Pool> pool_;
};

struct MemoryReport {
  std::size_t in_use = 0;                // bytes held by live buffers
  std::size_t peak = 0;                  // the largest in_use since program start or reset_peak()
  std::size_t pooled = 0;                // free bytes kept for reuse
  std::vector<std::size_t> graphs = {};  // bytes in the pool of each CUDA graph
};

MemoryReport memory_report(Device device);

/// Resets the peak to the current use.
void reset_peak(Device device);

/// Returns pooled memory to the system, except memory of private pools.
void release_pool(Device device);

/// Bytes that can still be allocated on the device, including pooled memory, except that of graphs in use;
/// the largest size_t if unknown. Check it before work that allocates many blocks: Linux overcommits memory,
/// and kills the process when it writes to the blocks.
std::size_t available_memory(Device device);

/// "502 MiB", rounded up, for messages.
std::string mebibytes(std::size_t bytes);

}  // namespace sapnet::engine
