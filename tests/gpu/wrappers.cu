#include "kernels/gpu.cuh"
#include "tests/gpu/wrappers.h"

namespace sapnet::tests::wrappers {
namespace {

namespace gpu = kernels::gpu;

__device__ int thread() { return static_cast<int>(threadIdx.x); }

__global__ void write_place(std::uint32_t* out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  out[block * blockDim.x + threadIdx.x] =
      blockIdx.x | blockIdx.y << 8U | blockIdx.z << 16U | threadIdx.x << 24U;
}

__global__ void do_nothing() {}
__global__ void unlaunched() {}

cudaFuncAttributes attributes_of(void (*kernel)()) {
  cudaFuncAttributes attributes;
  kernels::check_cuda(cudaFuncGetAttributes(&attributes, kernel), "reading a kernel's attributes");
  return attributes;
}

constexpr int kDynamicWords = 16 * 1024;  // 64 KiB, which needs cudaFuncSetAttribute

__global__ void pass_to_neighbour(std::uint32_t* out, std::uint32_t* misaligned) {
  SHARED_ARRAY(std::uint32_t, flat, [kSharedThreads]);
  SHARED_ARRAY(std::uint32_t, nested, [kSharedThreads / 2][2]);
  DYNAMIC_SHARED(std::uint32_t, dynamic);
  const int t = thread(), behind = (t + kSharedThreads - 1) % kSharedThreads;
  std::uint32_t* const end = dynamic + kDynamicWords - kSharedThreads;
  flat[t] = shared_word(blockIdx.x, threadIdx.x, 0);
  nested[t / 2][t % 2] = shared_word(blockIdx.x, threadIdx.x, 1);
  dynamic[t] = shared_word(blockIdx.x, threadIdx.x, 2);
  end[t] = shared_word(blockIdx.x, threadIdx.x, 3);
  __syncthreads();
  std::uint32_t* const row = out + (static_cast<int>(blockIdx.x) * kSharedThreads + t) * 4;
  row[0] = flat[behind];
  row[1] = nested[behind / 2][behind % 2];
  row[2] = dynamic[behind];
  row[3] = end[behind];
  if (t == 0)
    misaligned[blockIdx.x] = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(dynamic) % 128);
}

__global__ void store_words(std::uint32_t* out) {
  const auto first = static_cast<std::uint32_t>(4 * thread() + 1);
  gpu::store16(out + 4 * (thread() + 1), {first, first + 1, first + 2, first + 3});
}

__global__ void copy_slots(const std::uint32_t* in, std::uint32_t* out) {
  SHARED_ARRAY(std::uint32_t, slots, [kCopies][8]);
  const int t = thread(), next = (t + 1) % kCopies;
  for (int i = 0; i < 8; ++i) slots[t][i] = kCanary;
  __syncthreads();
  gpu::cp_async16(slots[t], in + 4 * copy_source(t), copy_is_valid(t));
  gpu::cp_async_commit();
  gpu::cp_async_wait<0>();
  for (int i = 0; i < 8; ++i) out[t * 8 + i] = slots[t][i];
  __syncthreads();
  for (int i = 0; i < 8; ++i) out[(kCopies + t) * 8 + i] = slots[next][i];
}

template <int kPending>
__global__ void copy_groups(int readable, const std::uint32_t* in, std::uint32_t* out) {
  SHARED_ARRAY(std::uint32_t, pieces, [kPieces][kCopies][4]);
  const int t = thread();
  const auto begin = [&](int piece) {
    gpu::cp_async16(pieces[piece][t], in + (piece * kCopies + t) * 4, true);
  };
  begin(0);
  gpu::cp_async_commit();
  gpu::cp_async_commit();
  begin(1);
  begin(2);
  gpu::cp_async_commit();
  begin(3);
  gpu::cp_async_commit();
  gpu::cp_async_wait<kPending>();
  for (int piece = 0; piece < readable; ++piece)
    for (int i = 0; i < 4; ++i) out[(piece * kCopies + t) * 4 + i] = pieces[piece][t][i];
  gpu::cp_async_wait<0>();
}

__global__ void load_matrices(bool transposed, const std::uint16_t* in, std::uint32_t* fragments) {
  SHARED_ARRAY(std::uint16_t, rows, [gpu::kWarp][kRowLength]);
  const int lane = thread();
  for (int i = 0; i < kRowLength; ++i) rows[lane][i] = in[lane * kRowLength + i];
  __syncwarp();
  std::uint32_t fragment[4];
  if (transposed)
    gpu::ldmatrix_x4_trans(fragment, rows[matrix_row(lane)]);
  else
    gpu::ldmatrix_x4(fragment, rows[matrix_row(lane)]);
  for (int k = 0; k < 4; ++k) fragments[lane * 4 + k] = fragment[k];
}

__global__ void multiply(const std::uint32_t* a, const std::uint32_t* b, float* d) {
  const unsigned lane = blockIdx.x * gpu::kWarp + threadIdx.x;
  std::uint32_t fragment_of_a[4], fragment_of_b[2];
  float sum[4];
  for (unsigned r = 0; r < 4; ++r) fragment_of_a[r] = a[lane * 4 + r];
  for (unsigned r = 0; r < 2; ++r) fragment_of_b[r] = b[lane * 2 + r];
  for (unsigned i = 0; i < 4; ++i) sum[i] = d[lane * 4 + i];
  gpu::mma_m16n8k16(sum, fragment_of_a, fragment_of_b);
  for (unsigned i = 0; i < 4; ++i) d[lane * 4 + i] = sum[i];
}

__global__ void shuffle_all(const float* in, float* out) {
  const int lane = thread();
  for (int mask = 0; mask < gpu::kWarp; ++mask)
    out[mask * gpu::kWarp + lane] = gpu::shuffle_xor(in[lane], mask);
}

__global__ void pass_through_grid(std::uint32_t* values) {
  const int count = static_cast<int>(gridDim.x) * kGridThreads;
  const int i = static_cast<int>(blockIdx.x) * kGridThreads + thread();
  for (int round = 0; round < kRounds; ++round) {
    values[(round + 1) * count + i] = values[round * count + grid_source(i, count)] + 1;
    gpu::grid_sync();
  }
}

}  // namespace

void thread_positions(dim3 grid, int threads, std::uint32_t* out) {
  gpu::launch(write_place, grid, threads, 0, nullptr, out);
}

void launch_empty(int blocks, int threads, std::size_t shared_bytes, bool cooperative, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(blocks));
  if (cooperative)
    gpu::launch_cooperative(do_nothing, grid, threads, shared_bytes, stream);
  else
    gpu::launch(do_nothing, grid, threads, shared_bytes, stream);
}

cudaFuncAttributes attributes_of_empty() { return attributes_of(do_nothing); }
cudaFuncAttributes attributes_of_unlaunched() { return attributes_of(unlaunched); }

void shared_arrays(std::uint32_t* out, std::uint32_t* misaligned) {
  gpu::launch(pass_to_neighbour, kSharedBlocks, kSharedThreads, kDynamicWords * sizeof(std::uint32_t),
              nullptr, out, misaligned);
}

void stores(std::uint32_t* out) { gpu::launch(store_words, 1, kStores, 0, nullptr, out); }

void copies(const std::uint32_t* in, std::uint32_t* out) {
  gpu::launch(copy_slots, 1, kCopies, 0, nullptr, in, out);
}

void pending_groups(int pending, int readable, const std::uint32_t* in, std::uint32_t* out) {
  constexpr decltype(&copy_groups<0>) kKernels[] = {copy_groups<0>, copy_groups<1>, copy_groups<2>,
                                                    copy_groups<3>};
  gpu::launch(kKernels[pending], 1, kCopies, 0, nullptr, readable, in, out);
}

void matrices(bool transposed, const std::uint16_t* in, std::uint32_t* fragments) {
  gpu::launch(load_matrices, 1, gpu::kWarp, 0, nullptr, transposed, in, fragments);
}

void products(int count, const std::uint32_t* a, const std::uint32_t* b, float* d) {
  gpu::launch(multiply, static_cast<unsigned>(count), gpu::kWarp, 0, nullptr, a, b, d);
}

void shuffles(const float* in, float* out) { gpu::launch(shuffle_all, 1, gpu::kWarp, 0, nullptr, in, out); }

void grid_rounds(int blocks, std::uint32_t* values) {
  gpu::launch_cooperative(pass_through_grid, static_cast<unsigned>(blocks), kGridThreads, 0, nullptr, values);
}

}  // namespace sapnet::tests::wrappers
