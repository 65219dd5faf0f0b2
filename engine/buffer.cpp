#include "engine/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "engine/cuda.h"
#include "engine/error.h"

namespace sapnet::engine {
namespace {

constexpr std::size_t kAlignment = 64;

/// For blocks of at least this size, check the available memory first.
constexpr std::size_t kLargeBlock = 64U << 20U;

constexpr std::size_t kHugePage = 2U << 20U;

/// MemAvailable of /proc/meminfo; the largest size_t where it cannot be read.
std::size_t available_host_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kibibytes = 0;
  while (file >> name >> kibibytes) {
    if (name == "MemAvailable:") return kibibytes << 10U;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::numeric_limits<std::size_t>::max();
}

/// Returns null when there is not enough memory.
void* allocate_block(std::size_t bytes, Device device) {
  if (device == Device::kCuda) return cuda::allocate(bytes);
  // Linux overcommits and kills the process that later touches the memory, so refuse large blocks here.
  if (bytes >= kLargeBlock && bytes > available_host_memory()) return nullptr;
  if (bytes < kHugePage) return std::aligned_alloc(kAlignment, bytes);
  void* const block = std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
  if (block) madvise(block, bytes, MADV_HUGEPAGE);  // a hint: one page fault per 2 MiB instead of per 4 KiB
  return block;
}

void free_block(void* block, Device device) {
  if (device == Device::kCuda)
    cuda::release(block);
  else
    std::free(block);
}

/// Memory statistics over all pools of a device.
struct Statistics {
  std::mutex mutex;
  MemoryReport report;
};

/// Never destroyed: buffers of static objects outlive everything else.
Statistics& statistics(Device device) {
  static auto* const all = new std::array<Statistics, 2>;
  return (*all)[device == Device::kCuda ? 1 : 0];
}

}  // namespace

class Pool {
 public:
  /// retain_all: never returns memory to the system unless an allocation fails.
  Pool(Device device, bool retain_all)
      : device_(device), retain_all_(retain_all), statistics_(statistics(device)) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { release_free(); }

  Device device() const { return device_; }

  /// Returns a block of at least `bytes` and stores its actual size in `capacity`.
  void* allocate(std::size_t bytes, std::size_t& capacity) {
    const std::lock_guard lock(statistics_.mutex);
    // Reuse a block that is up to a quarter too large rather than allocate another.
    const auto found = free_.lower_bound(bytes);
    void* block = nullptr;
    if (found != free_.end() && found->first <= bytes + bytes / 4) {
      capacity = found->first;
      block = found->second;
      free_.erase(found);
      count_pooled(0, capacity);
    } else {
      capacity = bytes;
      // More memory pooled than in use: the blocks were left behind by an input of another size.
      if (!retain_all_ && pooled_ > in_use_) release_all();
      block = allocate_block(bytes, device_);
      if (!block) {
        release_all();
        block = allocate_block(bytes, device_);
      }
      if (!block) throw Error("out of memory: requested " + mebibytes(bytes));
    }
    in_use_ += capacity;
    statistics_.report.in_use += capacity;
    statistics_.report.peak = std::max(statistics_.report.peak, statistics_.report.in_use);
    return block;
  }

  void release(void* block, std::size_t capacity) {
    const std::lock_guard lock(statistics_.mutex);
    in_use_ -= capacity;
    statistics_.report.in_use -= capacity;
    count_pooled(capacity, 0);
    free_.emplace(capacity, block);
  }

  void release_free() {
    const std::lock_guard lock(statistics_.mutex);
    release_all();
  }

 private:
  void release_all() {
    for (const auto& [size, block] : free_) {
      free_block(block, device_);
      count_pooled(0, size);
    }
    free_.clear();
  }

  void count_pooled(std::size_t more, std::size_t less) {
    pooled_ += more - less;
    statistics_.report.pooled += more - less;
  }

  Device device_;
  bool retain_all_;
  std::size_t in_use_ = 0, pooled_ = 0;  // of this pool
  Statistics& statistics_;               // its mutex also guards free_
  std::multimap<std::size_t, void*> free_;
};

namespace {

const std::shared_ptr<Pool>& common_pool(Device device) {
  using Pools = std::array<std::shared_ptr<Pool>, 2>;
  static const auto* const pools =
      new Pools{std::make_shared<Pool>(Device::kCpu, false), std::make_shared<Pool>(Device::kCuda, false)};
  return (*pools)[device == Device::kCuda ? 1 : 0];
}

/// The pool for this thread's buffers on the pool's device; null for the common pool.
std::shared_ptr<Pool>& pool_in_scope() {
  thread_local std::shared_ptr<Pool> pool;
  return pool;
}

}  // namespace

Buffer::Buffer(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  if (bytes > static_cast<std::size_t>(-1) - kAlignment)
    throw Error("out of memory: requested " + mebibytes(bytes));
  pool_ = pool_in_scope();
  if (!pool_ || pool_->device() != device) pool_ = common_pool(device);
  const std::size_t lines = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment, 1);
  data_ = pool_->allocate(lines * kAlignment, capacity_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      device_(other.device_),
      pool_(std::move(other.pool_)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(capacity_, other.capacity_);
  std::swap(device_, other.device_);
  std::swap(pool_, other.pool_);
  return *this;
}

Buffer::~Buffer() {
  if (data_) pool_->release(data_, capacity_);
}

PrivatePool::PrivatePool(Device device) : pool_(std::make_shared<Pool>(device, true)) {}

PrivatePool::Scope::Scope(const PrivatePool& pool) : before_(std::exchange(pool_in_scope(), pool.pool_)) {}

PrivatePool::Scope::~Scope() { pool_in_scope() = std::move(before_); }

MemoryReport memory_report(Device device) {
  const std::lock_guard lock(statistics(device).mutex);
  return statistics(device).report;
}

void reset_peak(Device device) {
  const std::lock_guard lock(statistics(device).mutex);
  statistics(device).report.peak = statistics(device).report.in_use;
}

void release_pool(Device device) { common_pool(device)->release_free(); }

std::size_t available_memory(Device device) {
  const std::size_t free = device == Device::kCuda ? cuda::available_memory() : available_host_memory();
  const std::size_t pooled = memory_report(device).pooled;
  return free + std::min(pooled, std::numeric_limits<std::size_t>::max() - free);
}

std::string mebibytes(std::size_t bytes) {
  constexpr std::size_t kMebibyte = 1U << 20U;
  return std::to_string(bytes / kMebibyte + (bytes % kMebibyte > 0 ? 1 : 0)) + " MiB";
}

}  // namespace sapnet::engine
