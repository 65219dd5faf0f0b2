#include "tests/cuda_emulator/core/worker.h"

#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "tests/cuda_emulator/core/sanitizers.h"

namespace sapnet::cuda_emulator {

constinit thread_local ThreadPlace* current_place = nullptr;

namespace {

/// The entry function of every thread's fiber.
void run_thread() {
  Fiber::entered();
  Worker& worker = *current_thread().warp->block->worker;
  worker.launch().run_thread();
  worker.leave(current_thread());
}

}  // namespace

void Worker::run(Grid& grid, std::uint64_t seed) {
  const Unwatched unwatched;
  grid_ = &grid;
  random_state_ = seed;
  failure_.clear();
  host_.adopt_thread();
  while (!grid.failed && start_blocks()) {
    turn_to_first();
    Thread& first = *next();
    current_place = &first;
    host_.switch_to(first.fiber);
    current_place = nullptr;
    if (!failure_.empty())
      for (unsigned i = 0; i < threads_; ++i) pool_[i]->fiber.release_abandoned(&end_);
    end_blocks();
  }
  acquire(&end_);
  retired_.clear();
}

std::uint64_t Worker::draw(std::uint64_t below) {
  random_state_ ^= random_state_ << 13U;
  random_state_ ^= random_state_ >> 7U;
  random_state_ ^= random_state_ << 17U;
  return (random_state_ >> 11U) % below;
}

// --- blocks ---

bool Worker::start_blocks() {
  const auto resident = static_cast<std::uint64_t>(grid_->schedule.resident_blocks);
  const std::uint64_t count = launch().cooperative ? grid_->blocks : resident;
  threads_ = left_ = 0;
  grid_barrier_ = {};
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t turn = grid_->started.fetch_add(1);
    if (turn >= grid_->blocks) break;
    start_block((grid_->first + turn % grid_->blocks * grid_->step) % grid_->blocks);
  }
  runnable_.assign(warps_.size() / 64 + 1, 0);
  for (Warp* warp : warps_) wake(*warp, ~warp->gone);
  return !blocks_.empty();
}

void Worker::start_block(std::uint64_t number) {
  const dim3 grid = launch().grid, extent = launch().block;
  auto block = std::make_unique<Block>();
  block->worker = this;
  block->threads = extent.x * extent.y * extent.z;
  if (launch().shared_bytes > 0) allocate_shared(*block, nullptr, launch().shared_bytes, kDynamicAlignment);
  for (unsigned t = 0; t < block->threads; ++t, ++threads_) {
    if (threads_ == pool_.size()) pool_.push_back(std::make_unique<Thread>());
    if (t % kLanes == 0) {
      block->warps.push_back(std::make_unique<Warp>());
      block->warps.back()->block = block.get();
      block->warps.back()->number = warps_.size();
      warps_.push_back(block->warps.back().get());
    }
    Warp& warp = *block->warps.back();
    Thread& thread = *pool_[threads_];
    thread.thread_index = {t % extent.x, t / extent.x % extent.y, t / extent.x / extent.y};
    thread.block_index = {static_cast<unsigned>(number % grid.x),
                          static_cast<unsigned>(number / grid.x % grid.y),
                          static_cast<unsigned>(number / grid.x / grid.y)};
    thread.block_extent = extent;
    thread.grid_extent = grid;
    thread.warp = &warp;
    thread.lane = t % kLanes;
    thread.number = t;
    thread.copies.clear();
    thread.fiber.start(run_thread, threads_);
    warp.threads[thread.lane] = &thread;
    warp.gone &= ~(1U << thread.lane);
  }
  blocks_.push_back(std::move(block));
}

void Worker::end_blocks() {
  // Blocks of a launch are not ordered; if one reused the memory of another, ThreadSanitizer would miss races
  // between them.
  if (kThreadSanitizer)
    for (const auto& block : blocks_)
      for (SharedArray& array : block->shared) retired_.push_back(std::move(array));
  blocks_.clear();
  warps_.clear();
}

void Worker::leave(Thread& self) {
  const Unwatched unwatched;
  release(&end_);
  Warp& warp = *self.warp;
  Block& block = *warp.block;
  const std::uint32_t bit = 1U << self.lane;
  if (!self.copies.empty()) {
    const Where where = self.copies.oldest().where;
    fail(self, "leaves the kernel without having waited for its cp.async at %s:%d", where.file, where.line);
  }
  if (block.barrier.arrived > 0)
    fail(self, "leaves the kernel while thread %u of its block waits for it in __syncthreads at %s:%d",
         block.barrier.first, block.barrier.where.file, block.barrier.where.line);
  if (grid_barrier_.arrived > 0)
    fail(self, "leaves the kernel while others wait for it in grid_sync at %s:%d", grid_barrier_.where.file,
         grid_barrier_.where.line);
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const CollectiveCall& call = warp.calls[lane];
    if ((warp.waiting >> lane & 1U) && (call.mask & bit))
      fail(self, "leaves the kernel while lane %u of its warp waits for it in %s at %s:%d (mask 0x%08x)",
           lane, name(call.kind), call.where.file, call.where.line, call.mask);
  }
  warp.gone |= bit;
  ++block.left;
  if (++left_ == threads_) self.fiber.leave_to(host_);
  Thread* const other = next();
  if (!other) fail_deadlocked(self);
  current_place = other;
  self.fiber.leave_to(other->fiber);
}

// --- turns ---

void Worker::wake(Warp& warp, std::uint32_t lanes) {
  warp.ready |= lanes;
  runnable_[warp.number / 64] |= std::uint64_t{1} << warp.number % 64;
  if (random() && draw(4) == 0) turn_ = draw(warps_.size());
}

void Worker::pass_turn(const Block& block) {
  // Rotates to the next or previous block.
  const std::size_t first = block.warps.front()->number, count = block.warps.size(), all = warps_.size();
  turn_ = reverse() ? (first + all - 1) % all : (first + count) % all;
}

void Worker::wait(Thread& self) {
  if (random() && draw(8) == 0) turn_ = draw(warps_.size());
  Thread* const other = next();
  if (other == &self) return;
  if (!other) fail_deadlocked(self);
  current_place = other;
  self.fiber.switch_to(other->fiber);
}

inline Warp* Worker::next_warp() {
  // Starting at turn_, wrapping around; clears the bits of warps without ready lanes on the way.
  const std::size_t words = runnable_.size();
  for (;;) {
    std::size_t word = turn_ / 64;
    const unsigned bit = turn_ % 64;
    std::uint64_t bits =
        runnable_[word] & (reverse() ? ~std::uint64_t{0} >> (63 - bit) : ~std::uint64_t{0} << bit);
    for (std::size_t i = 0; bits == 0 && i < words; ++i) {
      word = (word + (reverse() ? words - 1 : 1)) % words;
      bits = runnable_[word];
    }
    if (bits == 0) return nullptr;
    const auto found =
        static_cast<unsigned>(reverse() ? 63 - std::countl_zero(bits) : std::countr_zero(bits));
    turn_ = word * 64 + found;
    if (warps_[turn_]->ready != 0) return warps_[turn_];
    runnable_[word] &= ~(std::uint64_t{1} << found);
  }
}

Thread* Worker::next() {
  Warp* warp = warps_[turn_];
  if (warp->ready == 0) warp = next_warp();
  if (!warp) return nullptr;
  unsigned lane = 0;
  if (random()) {
    const auto shift = static_cast<int>(draw(kLanes));
    lane = static_cast<unsigned>(std::countr_zero(std::rotr(warp->ready, shift)) + shift) % kLanes;
  } else {
    lane =
        static_cast<unsigned>(reverse() ? 31 - std::countl_zero(warp->ready) : std::countr_zero(warp->ready));
  }
  warp->ready &= ~(1U << lane);
  return warp->threads[lane];
}

// --- failures ---

void Worker::fail(const Thread& self, const char* format, ...) {
  char text[1024];
  const uint3 b = self.block_index, t = self.thread_index;
  const int place = std::snprintf(text, sizeof text, "block (%u, %u, %u), thread (%u, %u, %u): ", b.x, b.y,
                                  b.z, t.x, t.y, t.z);
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text + place, sizeof text - static_cast<std::size_t>(place), format, arguments);
  va_end(arguments);
  failure_ = text;
  grid_->failed = true;
  current_thread().fiber.switch_to(host_);
  std::abort();  // never resumed
}

void Worker::fail_deadlocked(const Thread& self) {
  // Report one of each group: the threads at barriers, and the first waiting lane of each warp.
  for (const auto& block : blocks_) {
    for (const auto& warp : block->warps) {
      if (warp->waiting == 0) continue;
      const auto lane = static_cast<unsigned>(std::countr_zero(warp->waiting));
      const CollectiveCall& call = warp->calls[lane];
      const Thread& waiting = *warp->threads[lane];
      const std::uint32_t missing = call.mask & ~warp->waiting;
      if (block->barrier.arrived > 0)
        fail(waiting,
             "waits in %s at %s:%d (mask 0x%08x) for lanes 0x%08x, while thread %u waits in __syncthreads at "
             "%s:%d",
             name(call.kind), call.where.file, call.where.line, call.mask, missing, block->barrier.first,
             block->barrier.where.file, block->barrier.where.line);
      fail(waiting, "waits in %s at %s:%d (mask 0x%08x) for lanes 0x%08x, which never come", name(call.kind),
           call.where.file, call.where.line, call.mask, missing);
    }
    if (block->barrier.arrived > 0)
      fail(*block->warps[block->barrier.first / kLanes]->threads[block->barrier.first % kLanes],
           "waits in __syncthreads at %s:%d for threads that never come; %u of %u are there",
           block->barrier.where.file, block->barrier.where.line, block->barrier.arrived, block->threads);
  }
  fail(self, "and all others wait for each other");
}

}  // namespace sapnet::cuda_emulator
