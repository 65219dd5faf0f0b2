#include "kernels/gpu.cuh"
#include "tests/cuda_emulator/samples/samples.h"

namespace sapnet::tests::samples {
namespace {

namespace gpu = kernels::gpu;

__device__ int thread() { return static_cast<int>(threadIdx.x); }

__global__ void __launch_bounds__(kThreads) sum_blocks(const float* in, float* out) {
  SHARED_ARRAY(float, of_warps, [kThreads / gpu::kWarp]);
  float sum = __ldg(in + blockIdx.x * blockDim.x + threadIdx.x);
  for (int mask = gpu::kWarp / 2; mask > 0; mask /= 2) sum += gpu::shuffle_xor(sum, mask);
  if (thread() % gpu::kWarp == 0) of_warps[thread() / gpu::kWarp] = sum;
  __syncthreads();
  if (thread() == 0) {
    for (int warp = 1; warp < kThreads / gpu::kWarp; ++warp) sum += of_warps[warp];
    out[blockIdx.x] = sum;
  }
}

__device__ void fetch(float* buffer, const float* in, int tile, int tiles) {
  gpu::cp_async16(buffer + 4 * thread(), in + (tile < tiles ? tile * kTile : 0) + 4 * thread(), tile < tiles);
  gpu::cp_async_commit();
}

__global__ void __launch_bounds__(kThreads) sum_wrapped(const float* in, float* out, int tiles) {
  DYNAMIC_SHARED(float, buffers);
  fetch(buffers, in, 0, tiles);
  for (int tile = 0; tile < tiles; ++tile) {
    fetch(buffers + (tile + 1) % 2 * kTile, in, tile + 1, tiles);
    gpu::cp_async_wait<1>();
    __syncthreads();
    const float* buffer = buffers + tile % 2 * kTile;
    for (int i = thread(); i < kTile; i += kThreads)
      out[tile * kTile + i] = buffer[i] + buffer[(i + 1) % kTile];
    __syncthreads();
  }
  gpu::cp_async_wait<0>();
}

__device__ void store(const float (&d)[4], float* out) {
  for (int i = 0; i < 4; ++i) out[(thread() / 4 + 8 * (i / 2)) * 8 + thread() % 4 * 2 + i % 2] = d[i];
}

__global__ void multiply(const __half* a, const __half* b, float* out) {
  SHARED_ARRAY(__half, rows_of_a, [16][16]);
  SHARED_ARRAY(__half, rows_of_b, [8][16]);
  for (int i = thread(); i < 16 * 16; i += gpu::kWarp) rows_of_a[i / 16][i % 16] = a[i];
  for (int i = thread(); i < 8 * 16; i += gpu::kWarp) rows_of_b[i / 16][i % 16] = b[i];
  __syncwarp();
  std::uint32_t fragment_of_a[4], fragments_of_b[4];
  const int lane = thread();
  gpu::ldmatrix_x4(fragment_of_a, &rows_of_a[lane % 16][lane / 16 * 8]);
  gpu::ldmatrix_x4(fragments_of_b, &rows_of_b[lane % 8][lane / 8 % 2 * 8]);
  float d[4] = {};
  gpu::mma_m16n8k16(d, fragment_of_a, {fragments_of_b[0], fragments_of_b[1]});
  store(d, out);
}

__global__ void smooth_together(float* values, float* scratch, int count, int rounds) {
  const int first = static_cast<int>(blockIdx.x * blockDim.x) + thread();
  const int step = static_cast<int>(gridDim.x * blockDim.x);
  for (int round = 0; round < rounds; ++round) {
    for (int i = first; i < count; i += step)
      scratch[i] = (values[i == 0 ? count - 1 : i - 1] + values[i + 1 == count ? 0 : i + 1]) / 2;
    gpu::grid_sync();
    float* const last = values;
    values = scratch;
    scratch = last;
  }
}

__global__ void collect_from_lanes(int* out) {
  const int lane = thread(), odd = lane % 2;
  int* const row = out + lane * 5;
  row[0] = __shfl_up_sync(~0U, lane, 1, 8);
  row[1] = __shfl_down_sync(~0U, lane, 2, 8);
  row[2] = __shfl_sync(~0U, lane, 3, 8);
  row[3] = static_cast<int>(__ballot_sync(~0U, odd));
  row[4] = __syncthreads_count(odd);
}

__global__ void count_all(int* counter) { atomicAdd(counter, 1); }

__global__ void fill_with(float* out, float value) { out[thread()] = value; }

}  // namespace

void block_sums(const float* in, float* out, int blocks, cudaStream_t stream) {
  gpu::launch(sum_blocks, static_cast<unsigned>(blocks), kThreads, 0, stream, in, out);
}

void wrapped_sums(const float* in, float* out, int tiles, cudaStream_t stream) {
  gpu::launch(sum_wrapped, 1, kThreads, 2 * kTile * sizeof(float), stream, in, out, tiles);
}

void product(const __half* a, const __half* b, float* out, cudaStream_t stream) {
  gpu::launch(multiply, 1, gpu::kWarp, 0, stream, a, b, out);
}

void smooth(float* values, float* scratch, int count, int rounds, int blocks, cudaStream_t stream) {
  gpu::launch_cooperative(smooth_together, static_cast<unsigned>(blocks), kThreads, 0, stream, values,
                          scratch, count, rounds);
}

void collect(int* out, cudaStream_t stream) {
  gpu::launch(collect_from_lanes, 1, gpu::kWarp, 0, stream, out);
}

void count_threads(int* counter, int blocks, cudaStream_t stream) {
  gpu::launch(count_all, dim3(3, static_cast<unsigned>(blocks), 2), kThreads, 0, stream, counter);
}

void fill(float* out, float value, cudaStream_t stream) {
  gpu::launch(fill_with, 1, kThreads, 0, stream, out, value);
}

}  // namespace sapnet::tests::samples
