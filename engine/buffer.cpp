#include "engine/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "engine/error.h"

namespace sapnet::engine {
namespace {

constexpr std::size_t kAlignment = 64;

/// Blocks from this size on are worth asking first whether there is room for them.
constexpr std::size_t kLargeBlock = 64U << 20U;

/// The bytes that the system can give without swapping (Linux's MemAvailable); without limit where it does
/// not tell.
std::size_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kibibytes = 0;
  while (file >> name >> kibibytes) {
    if (name == "MemAvailable:") return kibibytes << 10U;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::numeric_limits<std::size_t>::max();
}

std::string mebibytes(std::size_t bytes) { return std::to_string((bytes + (1U << 20U) - 1) >> 20U) + " MiB"; }

/// Free blocks by size, and how much is out.
class Pool {
 public:
  /// A block of at least `bytes`; its true size is stored in `capacity`.
  float* take(std::size_t bytes, std::size_t& capacity) {
    const std::lock_guard lock(mutex_);
    // A block a quarter too large is still better than asking the system for another.
    const auto found = free_.lower_bound(bytes);
    float* block = nullptr;
    if (found != free_.end() && found->first <= bytes + bytes / 4) {
      capacity = found->first;
      block = found->second;
      free_.erase(found);
      report_.pooled -= capacity;
    } else {
      capacity = bytes;
      block = allocate(bytes);
      if (!block) {
        release();
        block = allocate(bytes);
      }
      if (!block) throw Error("out of memory: " + mebibytes(bytes) + " were asked for");
    }
    report_.in_use += capacity;
    report_.peak = std::max(report_.peak, report_.in_use);
    return block;
  }

  void give_back(float* block, std::size_t capacity) {
    const std::lock_guard lock(mutex_);
    report_.in_use -= capacity;
    report_.pooled += capacity;
    free_.emplace(capacity, block);
  }

  MemoryReport report() {
    const std::lock_guard lock(mutex_);
    return report_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    report_.peak = report_.in_use;
  }

  void release_free() {
    const std::lock_guard lock(mutex_);
    release();
  }

 private:
  /// Null when there is not enough. Linux promises more than it has, and kills the program that then uses
  /// it; so large blocks are refused here.
  static float* allocate(std::size_t bytes) {
    if (bytes >= kLargeBlock && bytes > available_memory()) return nullptr;
    return static_cast<float*>(std::aligned_alloc(kAlignment, bytes));
  }

  void release() {
    for (const auto& [size, block] : free_) std::free(block);
    free_.clear();
    report_.pooled = 0;
  }

  std::mutex mutex_;
  std::multimap<std::size_t, float*> free_;
  MemoryReport report_;
};

Pool& pool(Device device) {
  if (device != Device::kCpu) throw Error("there are no buffers on device " + std::string(to_string(device)));
  static Pool* const cpu = new Pool;  // never destroyed: buffers of static objects outlive everything else
  return *cpu;
}

}  // namespace

Buffer::Buffer(std::size_t count, Device device) : count_(count), device_(device) {
  if (count > static_cast<std::size_t>(-1) / sizeof(float) - kAlignment)
    throw Error("out of memory: " + std::to_string(count) + " numbers were asked for");
  const std::size_t bytes = std::max<std::size_t>(count * sizeof(float), 1);
  data_ = pool(device).take((bytes + kAlignment - 1) / kAlignment * kAlignment, capacity_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      count_(std::exchange(other.count_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      device_(other.device_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(count_, other.count_);
  std::swap(capacity_, other.capacity_);
  std::swap(device_, other.device_);
  return *this;
}

Buffer::~Buffer() {
  if (data_) pool(device_).give_back(data_, capacity_);
}

MemoryReport memory_report(Device device) { return pool(device).report(); }

void reset_peak(Device device) { pool(device).reset_peak(); }

void release_pool(Device device) { pool(device).release_free(); }

}  // namespace sapnet::engine
