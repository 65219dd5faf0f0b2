#include "kernels/gpu.cuh"
#include "tests/cuda_emulator/samples/samples.h"

namespace sapnet::tests::samples {
namespace {

namespace gpu = kernels::gpu;

__device__ int thread() { return static_cast<int>(threadIdx.x); }

__global__ void shift_without_barrier(const float* in, float* out) {
  SHARED_ARRAY(float, values, [kThreads]);
  values[thread()] = in[thread()];
  if (thread() > 0) out[thread()] = values[thread() - 1];
}

__global__ void sum_without_wait(const float* in, float* out) {
  SHARED_ARRAY(float, buffer, [kTile]);
  gpu::cp_async16(buffer + 4 * thread(), in + 4 * thread(), true);
  gpu::cp_async_commit();
  __syncthreads();
  for (int i = thread(); i < kTile; i += kThreads) out[i] = buffer[i] + buffer[(i + 1) % kTile];
  gpu::cp_async_wait<0>();
}

__global__ void go_wrong(Fault fault, const float* in) {
  SHARED_ARRAY(float, buffer, [kThreads * 4]);
  std::uint32_t fragment[4] = {};
  float d[4] = {};
  const int lane = thread() % gpu::kWarp;
  switch (fault) {
    case Fault::kBarriersDiffer:
      if (thread() < gpu::kWarp)
        __syncthreads();
      else
        __syncthreads();
      break;
    case Fault::kLeavesBeforeBarrier:
      if (thread() != 5) __syncthreads();
      break;
    case Fault::kLanesLeaveBeforeShuffle:
      if (lane < 16) gpu::shuffle_xor(0, 1);
      break;
    case Fault::kMaskLacksLane:
      __shfl_xor_sync(0xffffU, lane, 1);
      break;
    case Fault::kCollectivesDiffer:
      if (lane < 16)
        __shfl_xor_sync(~0U, lane, 1);
      else
        __ballot_sync(~0U, 1);
      break;
    case Fault::kWarpWaitsForBarrier:
      if (lane < 16) gpu::shuffle_xor(0, 1);
      __syncthreads();
      break;
    case Fault::kCopyMisaligned:
      gpu::cp_async16(buffer + 1, in, true);
      break;
    case Fault::kCopySourceMisaligned:
      gpu::cp_async16(buffer, in + 1, true);
      break;
    case Fault::kCopyOutsideShared:
      gpu::cp_async16(const_cast<float*>(in), in, true);
      break;
    case Fault::kMatrixMisaligned:
      gpu::ldmatrix_x4(fragment, buffer + 2);
      break;
    case Fault::kStoreMisaligned:
      gpu::store16(const_cast<float*>(in) + 3, {});
      break;
    case Fault::kStoreToShared:
      gpu::store16(buffer, {});
      break;
    case Fault::kCopyNotWaitedFor:
      gpu::cp_async16(buffer + 4 * thread(), in, true);
      gpu::cp_async_commit();
      break;
    case Fault::kGridSyncWithoutGrid:
      gpu::grid_sync();
      break;
    case Fault::kNoDynamicShared: {
      DYNAMIC_SHARED(float, values);
      values[0] = 0;
      break;
    }
    case Fault::kShuffleWidth:
      __shfl_xor_sync(~0U, lane, 1, 12);
      break;
    case Fault::kPartOfWarpMultiplies:
      if (lane != 7) gpu::mma_m16n8k16(d, fragment, {0, 0});
      break;
  }
}

__global__ void write_array(int index) {
  SHARED_ARRAY(float, values, [5]);
  values[index] = 1;
}

__global__ void write_dynamic(int index) {
  DYNAMIC_SHARED(float, values);
  values[index] = 1;
}

__global__ void read(const float* in, int index, float* out) { *out = in[index]; }

__global__ void take_much(float value) {
  SHARED_ARRAY(float, some, [10000]);
  SHARED_ARRAY(float, more, [2289]);
  some[0] = more[0] = value;
}

__global__ void do_nothing() {}

}  // namespace

void without_barrier(const float* in, float* out, cudaStream_t stream) {
  gpu::launch(shift_without_barrier, 1, kThreads, 0, stream, in, out);
}

void without_wait(const float* in, float* out, cudaStream_t stream) {
  gpu::launch(sum_without_wait, 1, kThreads, 0, stream, in, out);
}

void fault(Fault fault, const float* in, cudaStream_t stream) {
  gpu::launch(go_wrong, 1, kThreads, 0, stream, fault, in);
}

void overflow_array(int index, cudaStream_t stream) { gpu::launch(write_array, 1, 1, 0, stream, index); }

void overflow_dynamic(int index, cudaStream_t stream) {
  gpu::launch(write_dynamic, 1, 1, 5 * sizeof(float), stream, index);
}

void read_at(const float* in, int index, float* out, cudaStream_t stream) {
  gpu::launch(read, 1, 1, 0, stream, in, index, out);
}

void too_much_fixed_shared(cudaStream_t stream) { gpu::launch(take_much, 1, 1, 0, stream, 0.0F); }

cudaError_t launch_empty(dim3 grid, dim3 block, std::size_t shared_bytes, bool cooperative,
                         cudaStream_t stream) {
  return cooperative ? cudaLaunchCooperativeKernel(do_nothing, grid, block, nullptr, shared_bytes, stream)
                     : cudaLaunchKernel(do_nothing, grid, block, nullptr, shared_bytes, stream);
}

cudaError_t launch_empty_asking(std::size_t shared_bytes, cudaStream_t stream) {
  const cudaError_t error = cudaFuncSetAttribute(do_nothing, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                 static_cast<int>(shared_bytes));
  return error ? error : cudaLaunchKernel(do_nothing, 1, 1, nullptr, shared_bytes, stream);
}

}  // namespace sapnet::tests::samples
