// Tells sanitizers about fibers: AddressSanitizer which stack is in use, ThreadSanitizer that each CUDA
// thread is a thread and how it is ordered with others. Without sanitizers these are no-ops.
#pragma once

#include <cstddef>

#ifdef SAPNET_EMULATOR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef SAPNET_EMULATOR_TSAN
#include <sanitizer/tsan_interface.h>
// Not declared in clang 14's headers.
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace sapnet::cuda_emulator {

#ifdef SAPNET_EMULATOR_TSAN
constexpr bool kThreadSanitizer = true;

inline void begin_unwatched() {
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}
inline void end_unwatched() {
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

/// Everything before release(at) happens before everything after acquire(at).
inline void release(void* at) { __tsan_release(at); }
inline void acquire(void* at) { __tsan_acquire(at); }
#else
constexpr bool kThreadSanitizer = false;

inline void begin_unwatched() {}
inline void end_unwatched() {}
inline void release(void* /*at*/) {}
inline void acquire(void* /*at*/) {}
#endif

/// While it lives, ThreadSanitizer ignores this thread: the emulator's own work between kernel threads is
/// ordered by its scheduler.
class Unwatched {
 public:
  Unwatched() { begin_unwatched(); }
  ~Unwatched() { end_unwatched(); }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;
};

}  // namespace sapnet::cuda_emulator
