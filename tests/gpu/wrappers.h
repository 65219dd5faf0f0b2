// One kernel for each function of kernels/gpu.cuh; it writes what each thread received. Pointers are device
// pointers, work is queued on the default stream, and t is a thread's index in its block.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace sapnet::tests::wrappers {

/// out[i] = x | y << 8 | z << 16 | t << 24 for the i-th thread, with t varying fastest, then the block's x.
void thread_positions(dim3 grid, int threads, std::uint32_t* out);

/// Launches an empty kernel. Throws Error if the launch is refused.
void launch_empty(int blocks, int threads, std::size_t shared_bytes, bool cooperative,
                  cudaStream_t stream = nullptr);

/// The attributes of that kernel, and of one that has not been launched.
cudaFuncAttributes attributes_of_empty();
cudaFuncAttributes attributes_of_unlaunched();

/// out (kSharedBlocks, kSharedThreads, 4): what each thread reads from the next thread, which wrote its
/// shared_word() into each of two static arrays and both ends of the dynamic one; misaligned (kSharedBlocks):
/// the dynamic array's address modulo 128.
constexpr int kSharedBlocks = 5, kSharedThreads = 96;
constexpr std::uint32_t shared_word(std::uint32_t block, std::uint32_t t, std::uint32_t array) {
  return (block << 16U | t << 4U | array) + 1;
}
void shared_arrays(std::uint32_t* out, std::uint32_t* misaligned);

/// Each thread t < kStores stores the words 4 t + 1 to 4 t + 4 at word 4 (t + 1) of out.
constexpr int kStores = 64;
void stores(std::uint32_t* out);

/// Every thread's slot of 8 words starts as kCanary; its first half is copied from in (kCopies, 4), or zeroed
/// where copy_is_valid() is false. out (2, kCopies, 8): the slots as each thread sees its own after the wait,
/// and as it sees the next thread's after a barrier.
constexpr int kCopies = 64;
constexpr std::uint32_t kCanary = 0xc5c5c5c5U;
constexpr int copy_source(int t) { return (7 * t + 3) % kCopies; }
constexpr bool copy_is_valid(int t) { return t % 3 != 0; }
void copies(const std::uint32_t* in, std::uint32_t* out);

/// Copies pieces of in (kPieces, kCopies, 4) in four groups: piece 0; none; pieces 1 and 2; piece 3. Waits
/// until at most `pending` groups, 0 to 3, are in flight and writes the first `readable` pieces to out
/// (kPieces, kCopies, 4).
constexpr int kPieces = 4;
void pending_groups(int pending, int readable, const std::uint32_t* in, std::uint32_t* out);

/// Loads four matrices from in, 32 rows of kRowLength 16-bit elements; lane l passes the start of row
/// matrix_row(l); transposed or not. fragments (32, 4): what each lane received.
constexpr int kRowLength = 24;  // 48 bytes, of which a matrix uses 16
constexpr int matrix_row(int lane) { return (5 * lane + 3) % 32; }
void matrices(bool transposed, const std::uint16_t* in, std::uint32_t* fragments);

/// d += a · b, `count` times, on fragments a (count, 32, 4), b (count, 32, 2), d (count, 32, 4).
void products(int count, const std::uint32_t* a, const std::uint32_t* b, float* d);

/// out (32, 32): for each mask, what each lane received of in (32).
void shuffles(const float* in, float* out);

/// values (kRounds + 1, blocks · kGridThreads): computes row r + 1 from row r at grid_source(), plus one.
constexpr int kRounds = 6, kGridThreads = 64;
constexpr int grid_source(int i, int count) { return (i + count / 2 + 1) % count; }
void grid_rounds(int blocks, std::uint32_t* values);

}  // namespace sapnet::tests::wrappers
