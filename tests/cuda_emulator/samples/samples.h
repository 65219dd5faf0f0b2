// Small kernels that test the emulator. Pointers are device pointers; work is queued on `stream`.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

namespace sapnet::tests::samples {

// --- correct kernels ---

constexpr int kThreads = 96;

/// out[b] = the sum of block b's kThreads values of in.
void block_sums(const float* in, float* out, int blocks, cudaStream_t stream);

/// out[i] = in[i] + in[i + 1], where the index wraps around within each tile of kTile values. One block
/// streams the tiles through two buffers.
constexpr int kTile = 4 * kThreads;
void wrapped_sums(const float* in, float* out, int tiles, cudaStream_t stream);

/// out (16, 8) = a (16, 16) · b (8, 16)ᵀ, with fragments loaded by ldmatrix.
void product(const __half* a, const __half* b, float* out, cudaStream_t stream);

/// `rounds` times: each value becomes the mean of its neighbours; scratch is as large as values. Cooperative.
void smooth(float* values, float* scratch, int count, int rounds, int blocks, cudaStream_t stream);

/// out (32, 5): what each lane receives from shuffles up, down and from lane 3 in segments of 8 lanes, and
/// from a ballot and a count over the block, of odd lanes.
void collect(int* out, cudaStream_t stream);

/// counter += the number of threads.
void count_threads(int* counter, int blocks, cudaStream_t stream);

/// out[i] = value, for kThreads values.
void fill(float* out, float value, cudaStream_t stream);

// --- incorrect kernels ---

/// out[i] = in[i - 1] within a block, through shared memory without a barrier.
void without_barrier(const float* in, float* out, cudaStream_t stream);
/// Like wrapped_sums for one tile, but waits for the copies too late.
void without_wait(const float* in, float* out, cudaStream_t stream);

enum class Fault {
  kBarriersDiffer,
  kLeavesBeforeBarrier,
  kLanesLeaveBeforeShuffle,
  kMaskLacksLane,
  kCollectivesDiffer,
  kWarpWaitsForBarrier,
  kCopyMisaligned,
  kCopySourceMisaligned,
  kCopyOutsideShared,
  kMatrixMisaligned,
  kStoreMisaligned,
  kStoreToShared,
  kCopyNotWaitedFor,
  kGridSyncWithoutGrid,
  kNoDynamicShared,
  kShuffleWidth,
  kPartOfWarpMultiplies,
};
/// in: at least 64 bytes, 16-byte aligned.
void fault(Fault fault, const float* in, cudaStream_t stream);

/// Writes past the end of its static shared array, or of the dynamic one.
void overflow_array(int index, cudaStream_t stream);
void overflow_dynamic(int index, cudaStream_t stream);
/// Reads value `index` of in.
void read_at(const float* in, int index, float* out, cudaStream_t stream);
void too_much_fixed_shared(cudaStream_t stream);

/// Launches an empty kernel with that configuration, without cudaFuncSetAttribute.
cudaError_t launch_empty(dim3 grid, dim3 block, std::size_t shared_bytes, bool cooperative,
                         cudaStream_t stream);
/// The same after requesting `shared_bytes`.
cudaError_t launch_empty_asking(std::size_t shared_bytes, cudaStream_t stream);

}  // namespace sapnet::tests::samples
