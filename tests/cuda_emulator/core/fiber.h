// A stack of its own on which a function runs, and the switch from one to another.
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

  /// Makes this the fiber of the host's thread that calls.
  void adopt_thread();

  /// The next switch to this fiber calls entry(), which must call entered() first and must not return. What
  /// it ran before is forgotten. number: fibers with different numbers use their stacks from different
  /// offsets, or they would all compete for the same lines of the cache.
  void start(void (*entry)(), std::size_t number);
  static void entered();

  /// Leaves this, the running fiber, for another; returns when something switches back. Called while
  /// Unwatched.
  void switch_to(Fiber& next);
  /// The same at the end of entry(): only start() brings this fiber back.
  [[noreturn]] void leave_to(Fiber& next);

  /// release(at) in the name of this fiber, which nothing will resume.
  void release_abandoned(void* at);

 private:
  void switch_stacks(Fiber& next);

#ifdef __x86_64__
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_ = {};
#endif
  char* stack_ = nullptr;  // its lowest byte
  std::size_t stack_bytes_ = 0;
  void* mapped_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;  // AddressSanitizer's
  [[maybe_unused]] void* thread_ = nullptr;      // ThreadSanitizer's
  [[maybe_unused]] bool own_thread_ = false;
  bool abandoned_ = false;  // in the midst of functions, whose frames are still marked on its stack
};

}  // namespace sapnet::cuda_emulator
