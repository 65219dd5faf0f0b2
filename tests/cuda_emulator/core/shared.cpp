// The block's shared memory, and the asynchronous copies into it.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/cuda_emulator/core/sanitizers.h"
#include "tests/cuda_emulator/core/worker.h"
#include "tests/cuda_emulator/limits.h"

namespace sapnet::cuda_emulator {

void Free::operator()(void* memory) const { std::free(memory); }

void* allocate_shared(Block& block, const void* key, std::size_t bytes, std::size_t alignment) {
  // A heap block of exactly this size, so that AddressSanitizer knows its bounds.
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
  std::memset(memory, kPoisonByte, bytes);
  block.shared.push_back({key, bytes, HeapBytes(memory)});
  return memory;
}

void* shared_array(const void* key, std::size_t bytes, std::size_t alignment, Where where) {
  const Unwatched unwatched;
  const Thread& self = current_thread();
  Block& block = *self.warp->block;
  std::size_t fixed = bytes, total = bytes;
  for (const SharedArray& array : block.shared) {
    if (array.key == key) return array.memory.get();
    total += array.bytes;
    if (array.key) fixed += array.bytes;
  }
  if (fixed > kSharedWithoutAsking)
    block.worker->fail(self, "has %zu bytes of SHARED_ARRAY with that at %s:%d; a kernel may have %zu", fixed,
                       where.file, where.line, kSharedWithoutAsking);
  if (total > kMaxShared)
    block.worker->fail(self, "has %zu bytes of shared memory with that at %s:%d; a block may have %zu", total,
                       where.file, where.line, kMaxShared);
  constexpr std::size_t kLeastAlignment = 16;
  return allocate_shared(block, key, bytes, alignment < kLeastAlignment ? kLeastAlignment : alignment);
}

void* dynamic_shared(Where where) {
  const Unwatched unwatched;
  const Thread& self = current_thread();
  const Block& block = *self.warp->block;
  for (const SharedArray& array : block.shared)
    if (!array.key) return array.memory.get();
  block.worker->fail(self, "asks at %s:%d for dynamic shared memory, of which the launch gave none",
                     where.file, where.line);
}

namespace {

void check_row(const void* row, bool shared, const char* what, Where where) {
  const Unwatched unwatched;
  const Thread& self = current_thread();
  const Block& block = *self.warp->block;
  const auto address = reinterpret_cast<std::uintptr_t>(row);
  if (address % kAsyncBytes != 0)
    block.worker->fail(self, "gives %s at %s:%d an address that is %zu bytes behind a multiple of 16", what,
                       where.file, where.line, address % kAsyncBytes);
  const bool found = std::ranges::any_of(block.shared, [&](const SharedArray& array) {
    const auto first = reinterpret_cast<std::uintptr_t>(array.memory.get());
    return address >= first && address + kAsyncBytes <= first + array.bytes;
  });
  if (found != shared)
    block.worker->fail(self, "gives %s at %s:%d an address %s the block's shared memory", what, where.file,
                       where.line, shared ? "outside of" : "in");
}

}  // namespace

void check_shared_row(const void* row, const char* what, Where where) { check_row(row, true, what, where); }
void check_global_row(const void* row, const char* what, Where where) { check_row(row, false, what, where); }

void AsyncCopies::clear() {
  copies_.clear();
  next_ = 0;
}

const AsyncCopy* AsyncCopies::next(int pending) {
  if (next_ < copies_.size() && copies_[next_].group < group_ - pending) return &copies_[next_++].copy;
  if (empty()) clear();
  return nullptr;
}

void begin_async_copy(const AsyncCopy& copy, bool valid) {
  check_shared_row(copy.to, "cp.async", copy.where);
  const Unwatched unwatched;  // not around the check: a failing thread must not leave an Unwatched behind
  Thread& self = current_thread();
  const auto from = reinterpret_cast<std::uintptr_t>(copy.from);
  if (from % kAsyncBytes != 0)
    self.warp->block->worker->fail(
        self, "gives cp.async at %s:%d a source that is %zu bytes behind a multiple of 16", copy.where.file,
        copy.where.line, from % kAsyncBytes);
  self.copies.begin({copy.to, valid ? copy.from : nullptr, copy.where});
}

void commit_async_copies() { current_thread().copies.commit(); }

const AsyncCopy* next_async_copy(int pending) {
  const Unwatched unwatched;
  return current_thread().copies.next(pending);
}

}  // namespace sapnet::cuda_emulator
