// Barriers of the block, the grid and the warp.
#include "tests/cuda_emulator/core/sanitizers.h"
#include "tests/cuda_emulator/core/worker.h"

namespace sapnet::cuda_emulator {
namespace {

/// Arrives at a barrier; returns true for the last of `threads` to arrive.
bool arrive(Thread& self, Barrier& barrier, unsigned threads, bool predicate, const char* name, Where where) {
  Worker& worker = *self.warp->block->worker;
  if (barrier.arrived == 0) {
    barrier.first = self.number;
    barrier.where = where;
  } else if (!same_place(where, barrier.where)) {
    worker.fail(self, "is in %s at %s:%d, while thread %u waits at %s:%d: all must meet at the same one",
                name, where.file, where.line, barrier.first, barrier.where.file, barrier.where.line);
  }
  barrier.predicates += predicate;
  if (++barrier.arrived < threads) return false;
  barrier.arrived = 0;
  barrier.last_predicates = barrier.predicates;
  barrier.predicates = 0;
  ++barrier.completed;
  return true;
}

}  // namespace

int block_barrier(bool predicate, Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  Block& block = *self.warp->block;
  Worker& worker = *block.worker;
  if (block.left > 0)
    worker.fail(self, "waits in __syncthreads at %s:%d for %u threads that have left the kernel", where.file,
                where.line, block.left);
  char* const order = &block.barrier.order[block.barrier.completed % 2];
  release(order);
  if (arrive(self, block.barrier, block.threads, predicate, "__syncthreads", where)) {
    for (const auto& warp : block.warps) worker.wake(*warp, ~warp->gone);
    worker.pass_turn(block);
  }
  worker.wait(self);
  acquire(order);
  return static_cast<int>(block.barrier.last_predicates);
}

void grid_barrier(Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  Worker& worker = *self.warp->block->worker;
  if (!worker.launch().cooperative)
    worker.fail(self, "calls grid_sync at %s:%d, but the launch is not cooperative", where.file, where.line);
  if (worker.left() > 0)
    worker.fail(self, "waits in grid_sync at %s:%d for %u threads that have left the kernel", where.file,
                where.line, worker.left());
  Barrier& barrier = worker.grid_barrier();
  char* const order = &barrier.order[barrier.completed % 2];
  release(order);
  if (arrive(self, barrier, worker.threads(), false, "grid_sync", where)) {
    for (const auto& block : worker.blocks())
      for (const auto& warp : block->warps) worker.wake(*warp, ~warp->gone);
    worker.turn_to_first();
  }
  worker.wait(self);
  acquire(order);
}

}  // namespace sapnet::cuda_emulator
