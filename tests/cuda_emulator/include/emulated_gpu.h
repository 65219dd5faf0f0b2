// The second half of kernels/gpu.cuh for the emulator: the same names and semantics, with checks.
//
// Memory is accessed here, in the kernel's own code, rather than in the emulator, so that sanitizers see it.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sapnet::cuda_emulator {

/// An asynchronous copy of 16 bytes that is still pending; of zeros if `from` is null.
struct AsyncCopy {
  void* to;
  const void* from;
  Where where;
};
constexpr std::size_t kAsyncBytes = 16;

/// Writes 16 bytes: those at `from`, or `word` twice if that is null. With volatile words, because the
/// compiler would turn it into memcpy or memset, which ThreadSanitizer does not track while it ignores
/// non-instrumented modules such as OpenMP's runtime.
inline void write_chunk(void* to, const void* from, std::uint64_t word) {
  for (std::size_t i = 0; i < kAsyncBytes / sizeof word; ++i)
    static_cast<volatile std::uint64_t*>(to)[i] =
        from ? static_cast<const volatile std::uint64_t*>(from)[i] : word;
}

/// The block's array identified by `key`: created by the first thread that asks, of exactly this size, and
/// filled with NaN.
void* shared_array(const void* key, std::size_t bytes, std::size_t alignment, Where where);
void* dynamic_shared(Where where);

/// Fails unless these 16 bytes are aligned and in the block's shared memory, or not in it.
void check_shared_row(const void* row, const char* what, Where where);
void check_global_row(const void* row, const char* what, Where where);
/// Registers the copy, or one of zeros unless `valid`; checks the source address in both cases.
void begin_async_copy(const AsyncCopy& copy, bool valid);
void commit_async_copies();
/// The next copy that waiting for all but `pending` groups completes, or null if there is none.
const AsyncCopy* next_async_copy(int pending);

using MatrixRow = std::uint32_t[4];
/// The exchange of ldmatrix, after each lane has read its row.
void exchange_rows(std::uint32_t (&fragment)[4], const MatrixRow& row, bool transposed, Where where);
inline void load_matrices(std::uint32_t (&fragment)[4], const void* row, bool transposed, Where where) {
  check_shared_row(row, "ldmatrix", where);
  MatrixRow words;
  for (int i = 0; i < 4; ++i) words[i] = static_cast<const std::uint32_t*>(row)[i];
  exchange_rows(fragment, words, transposed, where);
}
void multiply_fragments(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Where where);

inline Where here(SAPNET_CALLED_FROM) { return where; }

}  // namespace sapnet::cuda_emulator

#define SHARED_ARRAY(type, name, extents)                                                 \
  static char name##_key;                                                                 \
  using name##_array = type extents;                                                      \
  name##_array& name = *static_cast<name##_array*>(::sapnet::cuda_emulator::shared_array( \
      &name##_key, sizeof(name##_array), alignof(name##_array), ::sapnet::cuda_emulator::here()))

#define DYNAMIC_SHARED(type, name) \
  type* const name =               \
      static_cast<type*>(::sapnet::cuda_emulator::dynamic_shared(::sapnet::cuda_emulator::here()))

namespace sapnet::kernels::gpu {

inline void store16(void* global, const std::uint32_t (&words)[4], SAPNET_CALLED_FROM) {
  cuda_emulator::check_global_row(global, "store16", where);
  for (int i = 0; i < 4; ++i) static_cast<std::uint32_t*>(global)[i] = words[i];
}

/// The destination is poisoned until it is waited for, and the source is read only then.
inline void cp_async16(void* shared, const void* global, bool valid, SAPNET_CALLED_FROM) {
  cuda_emulator::begin_async_copy({shared, global, where}, valid);
  cuda_emulator::write_chunk(shared, nullptr, ~std::uint64_t{0});
}

inline void cp_async_commit() { cuda_emulator::commit_async_copies(); }

template <int kPending>
inline void cp_async_wait() {
  while (const cuda_emulator::AsyncCopy* copy = cuda_emulator::next_async_copy(kPending))
    cuda_emulator::write_chunk(copy->to, copy->from, 0);
}

inline void ldmatrix_x4(std::uint32_t (&fragment)[4], const void* row, SAPNET_CALLED_FROM) {
  cuda_emulator::load_matrices(fragment, row, false, where);
}

inline void ldmatrix_x4_trans(std::uint32_t (&fragment)[4], const void* row, SAPNET_CALLED_FROM) {
  cuda_emulator::load_matrices(fragment, row, true, where);
}

inline void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                         SAPNET_CALLED_FROM) {
  cuda_emulator::multiply_fragments(d, a, b, where);
}

inline std::uint32_t two_halves(float first, float second) {
  return cuda_emulator::half_bits(first) | std::uint32_t{cuda_emulator::half_bits(second)} << 16U;
}

inline float approximate_exp2(float x) { return exp2f(x); }
inline float approximate_reciprocal(float x) { return 1 / x; }

template <class T>
T shuffle_xor(T value, int mask, SAPNET_CALLED_FROM) {
  return __shfl_xor_sync(0xffffffffU, value, mask, warpSize, where);
}

/// Waits for all threads of the grid, which must have been launched cooperatively.
inline void grid_sync(SAPNET_CALLED_FROM) { cuda_emulator::grid_barrier(where); }

}  // namespace sapnet::kernels::gpu
