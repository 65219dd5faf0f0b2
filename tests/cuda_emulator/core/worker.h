// A host thread that runs blocks and schedules their threads.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/cuda_emulator/core/block.h"
#include "tests/cuda_emulator/core/fiber.h"
#include "tests/cuda_emulator/emulator.h"

namespace sapnet::cuda_emulator {

/// A launch in progress, shared by its workers.
struct Grid {
  const Launch& launch;
  const Schedule& schedule;
  std::uint64_t blocks;
  std::uint64_t first, step;  // the order of the blocks: first, first + step, …, modulo their number
  std::atomic<std::uint64_t> started = 0;
  std::atomic<bool> failed = false;
};

class Worker {
 public:
  /// Runs blocks until none is left or a thread fails; then `failure` describes the failure.
  void run(Grid& grid, std::uint64_t seed);

  const std::string& failure() const { return failure_; }
  const Launch& launch() const { return grid_->launch; }
  const std::vector<std::unique_ptr<Block>>& blocks() const { return blocks_; }
  Barrier& grid_barrier() { return grid_barrier_; }
  unsigned threads() const { return threads_; }
  unsigned left() const { return left_; }

  // Called by the running thread.

  /// Waits until another thread makes this one ready.
  void wait(Thread& self);
  /// Makes lanes ready.
  void wake(Warp& warp, std::uint32_t lanes);
  /// Switches to another resident block, if there is one.
  void pass_turn(const Block& block);
  void turn_to_first() { turn_ = reverse() ? warps_.size() - 1 : 0; }
  /// After a collective that woke others: whether this thread should also be rescheduled.
  bool lets_others_first() { return random() && draw(2) == 0; }
  [[noreturn]] void leave(Thread& self);
  /// Ends the launch with a message in printf format, because objects on the thread's stack are never
  /// destroyed.
  [[noreturn, gnu::format(printf, 3, 4)]] void fail(const Thread& self, const char* format, ...);

 private:
  bool random() const { return grid_->schedule.order == Schedule::Order::kRandom; }
  bool reverse() const { return grid_->schedule.order == Schedule::Order::kReverse; }
  std::uint64_t draw(std::uint64_t below);
  bool start_blocks();
  void start_block(std::uint64_t number);
  void end_blocks();
  Thread* next();
  Warp* next_warp();
  [[noreturn]] void fail_deadlocked(const Thread& self);

  Grid* grid_ = nullptr;
  std::uint64_t random_state_ = 0;
  Fiber host_;
  std::vector<std::unique_ptr<Thread>> pool_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<Warp*> warps_;             // of all resident blocks
  std::vector<std::uint64_t> runnable_;  // one bit per warp that may have ready lanes
  std::size_t turn_ = 0;                 // the warp to check first
  Barrier grid_barrier_;
  unsigned threads_ = 0, left_ = 0;
  std::vector<SharedArray> retired_;  // shared memory of finished blocks
  char end_ = 0;                      // for ThreadSanitizer: where threads end
  std::string failure_;
};

/// Runs all threads of a launch; returns the first failure, or an empty string.
std::string run_grid(const Launch& launch, const Schedule& schedule);

}  // namespace sapnet::cuda_emulator
