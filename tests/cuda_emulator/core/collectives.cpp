// Warp collectives: shuffles, ballots, warp barriers and the data exchange of ldmatrix.
#include "tests/cuda_emulator/core/collectives.h"

#include <bit>
#include <cstring>

#include "tests/cuda_emulator/core/sanitizers.h"

namespace sapnet::cuda_emulator {

const char* name(Collective kind) {
  switch (kind) {
    case Collective::kShuffle:
      return "a shuffle";
    case Collective::kBallot:
      return "a ballot";
    case Collective::kWarpBarrier:
      return "__syncwarp";
    case Collective::kLdmatrix:
      return "ldmatrix";
    case Collective::kMma:
      return "mma";
  }
  return "";
}

namespace {

[[noreturn]] void fail_absent(const Thread& self, const CollectiveCall& call) {
  const Warp& warp = *self.warp;
  Worker& worker = *warp.block->worker;
  const char* const what = name(call.kind);
  if ((call.mask >> self.lane & 1U) == 0)
    worker.fail(self, "calls %s at %s:%d with mask 0x%08x, which lacks its own lane %u", what,
                call.where.file, call.where.line, call.mask, self.lane);
  worker.fail(self,
              "calls %s at %s:%d with mask 0x%08x, of which lanes 0x%08x have left the kernel or never were",
              what, call.where.file, call.where.line, call.mask, call.mask & warp.gone);
}

[[noreturn]] void fail_differing(const Thread& self, const CollectiveCall& call, unsigned lane) {
  const CollectiveCall& other = self.warp->calls[lane];
  self.warp->block->worker->fail(
      self, "is in %s at %s:%d (mask 0x%08x), while lane %u of its warp is in %s at %s:%d (mask 0x%08x)",
      name(call.kind), call.where.file, call.where.line, call.mask, lane, name(other.kind), other.where.file,
      other.where.line, other.mask);
}

}  // namespace

bool meet(Thread& self, const CollectiveCall& call) {
  Warp& warp = *self.warp;
  if ((call.mask >> self.lane & 1U) == 0 || (call.mask & warp.gone) != 0) fail_absent(self, call);
  const std::uint32_t there = warp.waiting & call.mask;
  if (there != 0) {
    // Any of them; their arguments agree.
    const auto lane = static_cast<unsigned>(std::countr_zero(there));
    const CollectiveCall& other = warp.calls[lane];
    if (other.kind != call.kind || other.mask != call.mask || !same_place(other.where, call.where))
      fail_differing(self, call, lane);
  }
  if ((there | 1U << self.lane) == call.mask) {
    warp.waiting &= ~call.mask;
    return true;
  }
  warp.calls[self.lane] = call;
  warp.waiting |= 1U << self.lane;
  return false;
}

void part(Thread& self, std::uint32_t mask) {
  Worker& worker = *self.warp->block->worker;
  const std::uint32_t others = mask & ~(1U << self.lane);
  if (worker.lets_others_first()) {
    worker.wake(*self.warp, mask);
    worker.wait(self);
  } else if (others != 0) {
    worker.wake(*self.warp, others);
  }
}

void warp_barrier(unsigned mask, Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  char* const order = &self.warp->order[self.warp->barriers % 2];
  release(order);
  if (meet(self, {Collective::kWarpBarrier, mask, where})) {
    ++self.warp->barriers;
    part(self, mask);
  } else {
    self.warp->block->worker->wait(self);
  }
  acquire(order);
}

unsigned ballot(unsigned mask, bool predicate, Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  Warp& warp = *self.warp;
  warp.values[self.lane] = predicate;
  if (!meet(self, {Collective::kBallot, mask, where})) {
    warp.block->worker->wait(self);
    return static_cast<unsigned>(warp.values[self.lane]);
  }
  std::uint32_t votes = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane)
    if (mask >> lane & 1U) votes |= static_cast<std::uint32_t>(warp.values[lane]) << lane;
  for (unsigned lane = 0; lane < kLanes; ++lane)
    if (mask >> lane & 1U) warp.values[lane] = votes;
  part(self, mask);
  return votes;
}

namespace {

/// The lane whose value a lane receives; its own if that lies outside its segment of the warp.
unsigned source(Shuffle kind, unsigned lane, int argument, int width) {
  const int self = static_cast<int>(lane), first = self & ~(width - 1);
  int from = self;
  switch (kind) {
    case Shuffle::kFrom:
      from = first + (argument & (width - 1));
      break;
    case Shuffle::kUp:
      from = self - argument;
      break;
    case Shuffle::kDown:
      from = self + argument;
      break;
    case Shuffle::kXor:
      from = self ^ argument;
      break;
  }
  return static_cast<unsigned>(from < first || from >= first + width ? self : from);
}

}  // namespace

std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t value, int lane, int width, Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  Warp& warp = *self.warp;
  if (width < 1 || width > static_cast<int>(kLanes) || !std::has_single_bit(static_cast<unsigned>(width)))
    warp.block->worker->fail(self, "shuffles at %s:%d with width %d, which is no power of two up to 32",
                             where.file, where.line, width);
  warp.values[self.lane] = value;
  warp.sources[self.lane] = source(kind, self.lane, lane, width);
  if (!meet(self, {Collective::kShuffle, mask, where})) {
    warp.block->worker->wait(self);
    return warp.values[self.lane];
  }
  constexpr std::uint64_t kPoison = ~std::uint64_t{0};  // the value of lanes that do not participate
  const std::array<std::uint64_t, kLanes> values = warp.values;
  for (unsigned to = 0; to < kLanes; ++to) {
    if ((mask >> to & 1U) == 0) continue;
    const unsigned from = warp.sources[to];
    warp.values[to] = mask >> from & 1U ? values[from] : kPoison;
  }
  const std::uint64_t received = warp.values[self.lane];
  part(self, mask);
  return received;
}

void exchange_rows(std::uint32_t (&fragment)[4], const MatrixRow& row, bool transposed, Where where) {
  const Unwatched unwatched;
  Thread& self = current_thread();
  Warp& warp = *self.warp;
  std::memcpy(warp.rows[self.lane], row, sizeof row);
  if (meet(self, {Collective::kLdmatrix, kAllLanes, where})) {
    // Matrix k is in the rows of lanes 8k to 8k + 7; lane l receives pair l % 4 of row l / 4, or of column l
    // / 4.
    const auto element = [&](unsigned row_of_warp, unsigned column) {
      return warp.rows[row_of_warp][column / 2] >> column % 2 * 16 & 0xffffU;
    };
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      for (unsigned k = 0; k < 4; ++k) {
        const unsigned first = 8 * k + lane % 4 * 2, column = lane / 4;
        warp.a[lane][k] = transposed ? element(first, column) | element(first + 1, column) << 16
                                     : warp.rows[8 * k + lane / 4][lane % 4];
      }
    }
    std::memcpy(fragment, warp.a[self.lane], sizeof fragment);
    part(self, kAllLanes);
  } else {
    warp.block->worker->wait(self);
    std::memcpy(fragment, warp.a[self.lane], sizeof fragment);
  }
}

}  // namespace sapnet::cuda_emulator
