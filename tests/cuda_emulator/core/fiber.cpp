#include "tests/cuda_emulator/core/fiber.h"

#include <pthread.h>
#include <sys/mman.h>

#include <new>

#include "tests/cuda_emulator/core/sanitizers.h"

#ifdef __x86_64__
// Saves the callee-saved registers, and resumes at `load`.
extern "C" void sapnet_emulator_switch(void** save, void* load);
asm(R"(
.text
.globl sapnet_emulator_switch
.hidden sapnet_emulator_switch
.type sapnet_emulator_switch, @function
sapnet_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx
.size sapnet_emulator_switch, .-sapnet_emulator_switch
)");
#endif

namespace sapnet::cuda_emulator {
namespace {

constexpr std::size_t kPage = 4096;  // guard page at the low end: a stack overflow faults
#if defined(SAPNET_EMULATOR_ASAN) || defined(SAPNET_EMULATOR_TSAN)
constexpr std::size_t kStackBytes = std::size_t{256} << 10U;
#else
constexpr std::size_t kStackBytes = std::size_t{128} << 10U;
#endif

void* map_stack(void* at, std::size_t bytes) {
  void* const stack = mmap(at, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0), -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  return stack;
}

}  // namespace

Fiber::~Fiber() {
#ifdef SAPNET_EMULATOR_TSAN
  if (own_thread_) __tsan_destroy_fiber(thread_);
#endif
  if (mapped_) munmap(mapped_, kStackBytes + kPage);
}

void Fiber::adopt_thread() {
#ifdef SAPNET_EMULATOR_ASAN
  pthread_attr_t attributes;
  void* stack = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &stack, &stack_bytes_);
  pthread_attr_destroy(&attributes);
  stack_ = static_cast<char*>(stack);
#endif
#ifdef SAPNET_EMULATOR_TSAN
  thread_ = __tsan_get_current_fiber();
#endif
}

void Fiber::start(void (*entry)(), std::size_t number) {
  if (!mapped_) {
    mapped_ = map_stack(nullptr, kStackBytes + kPage);
    mprotect(mapped_, kPage, PROT_NONE);
    stack_ = static_cast<char*>(mapped_) + kPage;
    stack_bytes_ = kStackBytes;
  }
#ifdef SAPNET_EMULATOR_ASAN
  if (abandoned_) __asan_unpoison_memory_region(stack_, stack_bytes_);
  abandoned_ = true;
  fake_stack_ = nullptr;
#endif
#ifdef SAPNET_EMULATOR_TSAN
  // A new TSan thread for each block, or blocks would seem ordered; and fresh pages, or it would seem to race
  // with the previous user of this stack.
  map_stack(stack_, stack_bytes_);
  if (own_thread_) __tsan_destroy_fiber(thread_);
  thread_ = __tsan_create_fiber(0);
  own_thread_ = true;
#endif
  constexpr std::size_t kOffsets = 61, kLine = 64;
  const std::size_t usable = stack_bytes_ - number % kOffsets * 2 * kLine;
#ifdef __x86_64__
  // As if entry had been called: its return address is 8 bytes below a multiple of 16.
  void** top = reinterpret_cast<void**>(stack_ + usable - kLine);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  constexpr int kSavedRegisters = 6;
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer_ = top;
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = usable;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
#endif
}

void Fiber::entered() {
#ifdef SAPNET_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

inline void Fiber::switch_stacks(Fiber& next) {
  end_unwatched();  // or ThreadSanitizer would see a thread that never resumes inside a call
#ifdef SAPNET_EMULATOR_TSAN
  __tsan_switch_to_fiber(next.thread_, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef __x86_64__
  sapnet_emulator_switch(&stack_pointer_, next.stack_pointer_);
#else
  swapcontext(&context_, &next.context_);
#endif
  begin_unwatched();
}

void Fiber::switch_to(Fiber& next) {
#ifdef SAPNET_EMULATOR_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, next.stack_, next.stack_bytes_);
#endif
  switch_stacks(next);
#ifdef SAPNET_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, nullptr, nullptr);
#endif
}

void Fiber::leave_to(Fiber& next) {
  abandoned_ = false;
#ifdef SAPNET_EMULATOR_ASAN
  __sanitizer_start_switch_fiber(nullptr, next.stack_, next.stack_bytes_);
#endif
  switch_stacks(next);
  __builtin_unreachable();
}

void Fiber::release_abandoned([[maybe_unused]] void* at) {
#ifdef SAPNET_EMULATOR_TSAN
  void* const self = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(thread_, __tsan_switch_to_fiber_no_sync);
  release(at);
  __tsan_switch_to_fiber(self, __tsan_switch_to_fiber_no_sync);
#endif
}

}  // namespace sapnet::cuda_emulator
