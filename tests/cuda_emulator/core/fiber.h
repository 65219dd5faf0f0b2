// Fibers: a stack on which a function runs, and the switch between them.
#pragma once

#include <cstddef>

#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace sapnet::cuda_emulator {

class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Makes this the fiber of the calling host thread.
  void adopt_thread();

  /// The next switch to this fiber calls entry(), which must call entered() first and must not return.
  /// Anything the fiber ran before is discarded. number: fibers with different numbers start at different
  /// stack offsets, to avoid competing for the same cache lines.
  void start(void (*entry)(), std::size_t number);
  static void entered();

  /// Switches from this, the running fiber, to another; returns when something switches back. Call while
  /// Unwatched.
  void switch_to(Fiber& next);
  /// The same at the end of entry(); this fiber runs again only after start().
  [[noreturn]] void leave_to(Fiber& next);

  /// Calls release(at) on behalf of this fiber, which will not be resumed.
  void release_abandoned(void* at);

 private:
  void switch_stacks(Fiber& next);

#ifdef __x86_64__
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_ = {};
#endif
  char* stack_ = nullptr;  // lowest byte
  std::size_t stack_bytes_ = 0;
  void* mapped_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;  // AddressSanitizer's
  [[maybe_unused]] void* thread_ = nullptr;      // ThreadSanitizer's
  [[maybe_unused]] bool own_thread_ = false;
  bool abandoned_ = false;  // left inside functions whose frames are still poisoned on its stack
};

}  // namespace sapnet::cuda_emulator
