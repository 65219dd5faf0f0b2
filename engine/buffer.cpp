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
#include <vector>

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

/// All pools of a device.
struct Pools {
  std::mutex mutex;  // of their members too
  MemoryReport report;
  std::vector<Pool*> all;
};

/// Never destroyed: buffers of static objects outlive everything else.
Pools& pools(Device device) {
  static auto* const both = new std::array<Pools, 2>;
  return (*both)[device == Device::kCuda ? 1 : 0];
}

}  // namespace

class Pool {
 public:
  /// is_private: keeps its free blocks until an allocation fails.
  Pool(Device device, bool is_private) : device_(device), private_(is_private), pools_(pools(device)) {
    const std::lock_guard lock(pools_.mutex);
    pools_.all.push_back(this);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    const std::lock_guard lock(pools_.mutex);
    release_all();
    std::erase(pools_.all, this);
  }

  Device device() const { return device_; }

  /// Returns a block of at least `bytes` and stores its actual size in `capacity`.
  void* allocate(std::size_t bytes, std::size_t& capacity) {
    std::unique_lock lock(pools_.mutex);
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
      if (!private_ && pooled_ > in_use_) release_all();
      block = allocate_block(bytes, device_);
      if (!block) {
        lock.unlock();
        block = allocate_reclaimed(bytes);
        lock.lock();
      }
      if (!block) throw Error("out of memory: requested " + mebibytes(bytes));
    }
    in_use_ += capacity;
    pools_.report.in_use += capacity;
    pools_.report.peak = std::max(pools_.report.peak, pools_.report.in_use);
    return block;
  }

  void release(void* block, std::size_t capacity) {
    const std::lock_guard lock(pools_.mutex);
    in_use_ -= capacity;
    pools_.report.in_use -= capacity;
    count_pooled(capacity, 0);
    free_.emplace(capacity, block);
  }

  void release_free() {
    const std::lock_guard lock(pools_.mutex);
    release_all();
  }

  void enter_scope() {
    const std::lock_guard lock(pools_.mutex);
    ++scopes_;
  }

  void leave_scope() {
    const std::lock_guard lock(pools_.mutex);
    --scopes_;
  }

  bool has_graph() const {
    const std::lock_guard lock(pools_.mutex);
    return graph_ != nullptr;
  }

  /// Null: none. Destroys the previous graph.
  void set_graph(std::unique_ptr<cuda::Graph> graph) {
    {
      const std::lock_guard lock(pools_.mutex);
      std::swap(graph_, graph);
    }  // the previous graph is destroyed without the pools' lock; see allocate_reclaimed
  }

  /// The graph stays while a scope lives.
  cuda::Graph& graph() const { return *graph_; }

  // For these the pools must be locked.
  /// Free bytes that reclaim() can release.
  std::size_t reclaimable() const { return graph_ && scopes_ > 0 ? 0 : pooled_; }
  /// All bytes, if there is a graph.
  std::size_t graph_bytes() const { return graph_ ? in_use_ + pooled_ : 0; }

 private:
  /// Allocates after releasing memory of any pool.
  void* allocate_reclaimed(std::size_t bytes) const {
    // Destroying a graph takes this lock, which must be taken before that of the pools.
    const auto gpu = device_ == Device::kCuda ? cuda::lock() : std::unique_lock<std::recursive_mutex>();
    const std::lock_guard lock(pools_.mutex);
    for (int effort = 0; effort < 3; ++effort) {
      for (Pool* const pool : pools_.all) pool->reclaim(effort);
      if (void* const block = allocate_block(bytes, device_)) return block;
    }
    return nullptr;
  }

  /// effort 0: releases free blocks, unless there is a graph or a scope. 1: also destroys the graph if there
  /// is no scope. 2: also releases free blocks in a scope, in which a graph can then perhaps not be captured.
  void reclaim(int effort) {
    const bool idle = scopes_ == 0;
    if (effort > 0 && idle) graph_ = nullptr;
    if (!graph_ && (effort > 1 || idle)) release_all();
  }

  void release_all() {
    for (const auto& [size, block] : free_) {
      free_block(block, device_);
      count_pooled(0, size);
    }
    free_.clear();
  }

  void count_pooled(std::size_t more, std::size_t less) {
    pooled_ += more - less;
    pools_.report.pooled += more - less;
  }

  Device device_;
  bool private_;
  Pools& pools_;
  std::size_t in_use_ = 0, pooled_ = 0;
  std::multimap<std::size_t, void*> free_;
  std::unique_ptr<cuda::Graph> graph_;  // uses the free blocks
  int scopes_ = 0;
};

namespace {

const std::shared_ptr<Pool>& common_pool(Device device) {
  static const auto* const both = new std::array<std::shared_ptr<Pool>, 2>{
      std::make_shared<Pool>(Device::kCpu, false), std::make_shared<Pool>(Device::kCuda, false)};
  return (*both)[device == Device::kCuda ? 1 : 0];
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

PrivatePool::~PrivatePool() { drop_graph(); }

PrivatePool::Scope::Scope(const PrivatePool& pool)
    : pool_(pool.pool_), before_(std::exchange(pool_in_scope(), pool.pool_)) {
  pool_->enter_scope();
}

PrivatePool::Scope::~Scope() {
  pool_->leave_scope();
  pool_in_scope() = std::move(before_);
}

void PrivatePool::capture(const std::function<void()>& work) {
  const auto gpu = cuda::lock();  // until the pool has the graph: another thread must not release its blocks
  const Scope scope(*this);
  pool_->set_graph(std::make_unique<cuda::Graph>(work));
}

bool PrivatePool::has_graph() const { return pool_->has_graph(); }

void PrivatePool::launch() { pool_->graph().launch(); }

void PrivatePool::drop_graph() { pool_->set_graph(nullptr); }

MemoryReport memory_report(Device device) {
  const std::lock_guard lock(pools(device).mutex);
  MemoryReport report = pools(device).report;
  for (const Pool* const pool : pools(device).all)
    if (pool->graph_bytes() > 0) report.graphs.push_back(pool->graph_bytes());
  return report;
}

void reset_peak(Device device) {
  const std::lock_guard lock(pools(device).mutex);
  pools(device).report.peak = pools(device).report.in_use;
}

void release_pool(Device device) { common_pool(device)->release_free(); }

std::size_t available_memory(Device device) {
  std::size_t available = device == Device::kCuda ? cuda::available_memory() : available_host_memory();
  const std::lock_guard lock(pools(device).mutex);
  for (const Pool* const pool : pools(device).all)
    available += std::min(pool->reclaimable(), std::numeric_limits<std::size_t>::max() - available);
  return available;
}

std::string mebibytes(std::size_t bytes) {
  constexpr std::size_t kMebibyte = 1U << 20U;
  return std::to_string(bytes / kMebibyte + (bytes % kMebibyte > 0 ? 1 : 0)) + " MiB";
}

}  // namespace sapnet::engine
