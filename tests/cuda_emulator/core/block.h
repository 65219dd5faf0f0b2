// A running block: threads, warps, barrier and shared memory. All of it belongs to one worker.
#pragma once

#include <emulated_gpu.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/cuda_emulator/core/fiber.h"

namespace sapnet::cuda_emulator {

struct Block;
struct Warp;
class Worker;

constexpr unsigned kLanes = 32;
constexpr std::uint32_t kAllLanes = 0xffffffffU;

inline bool same_place(Where a, Where b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

/// The copies that a thread has started and not waited for, in the order of their groups.
class AsyncCopies {
 public:
  void begin(const AsyncCopy& copy) { copies_.push_back({copy, group_}); }
  void commit() { ++group_; }
  const AsyncCopy* next(int pending);
  bool empty() const { return next_ == copies_.size(); }
  const AsyncCopy& oldest() const { return copies_[next_].copy; }
  void clear();

 private:
  struct Grouped {
    AsyncCopy copy;
    int group;
  };
  std::vector<Grouped> copies_;
  std::size_t next_ = 0;
  int group_ = 0;  // the group that new copies join
};

/// A CUDA thread.
struct Thread : ThreadPlace {
  Fiber fiber;
  Warp* warp;
  unsigned lane;
  unsigned number;  // index in its block
  AsyncCopies copies;
};

inline Thread& current_thread() { return *static_cast<Thread*>(current_place); }

enum class Collective { kShuffle, kBallot, kWarpBarrier, kLdmatrix, kMma };
const char* name(Collective kind);

/// A warp collective, as called by one lane.
struct CollectiveCall {
  Collective kind;
  std::uint32_t mask;
  Where where;
};

/// 32 threads, and the values they exchange: each lane writes its own, and the last to arrive computes for
/// all.
struct Warp {
  Block* block;
  std::size_t number;  // index among the worker's warps
  std::array<Thread*, kLanes> threads;
  // Each lane is in one of these, or running, or waiting at a barrier of the block or the grid.
  std::uint32_t ready = 0;
  std::uint32_t waiting = 0;       // in a collective
  std::uint32_t gone = kAllLanes;  // exited, or never existed

  std::array<CollectiveCall, kLanes> calls;
  std::array<std::uint64_t, kLanes> values;
  std::array<unsigned, kLanes> sources;
  // Operands of ldmatrix and mma, per lane.
  alignas(64) MatrixRow rows[kLanes];
  alignas(64) std::uint32_t a[kLanes][4];
  alignas(64) std::uint32_t b[kLanes][2];
  alignas(64) float d[kLanes][4];

  std::array<char, 2> order;  // for ThreadSanitizer: consecutive barriers alternate
  unsigned barriers = 0;
};

/// A barrier for a number of threads.
struct Barrier {
  unsigned arrived = 0;
  unsigned predicates = 0, last_predicates = 0;
  unsigned first = 0;  // the thread that arrived first
  Where where = {};
  std::array<char, 2> order = {};
  unsigned completed = 0;
};

struct Free {
  void operator()(void* memory) const;
};
using HeapBytes = std::unique_ptr<void, Free>;

struct SharedArray {
  const void* key;  // null for the dynamic array
  std::size_t bytes;
  HeapBytes memory;
};

struct Block {
  Worker* worker;
  unsigned threads, left = 0;  // left: exited from the kernel
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<SharedArray> shared;
  Barrier barrier;
};

constexpr std::size_t kDynamicAlignment = 128;
void* allocate_shared(Block& block, const void* key, std::size_t bytes, std::size_t alignment);

}  // namespace sapnet::cuda_emulator
