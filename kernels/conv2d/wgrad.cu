// The weight gradient. The output rows of all inputs are split into a fixed number of slices, independent of
// the GPU; each block sums one slice in fp32, and the slices are added in double in order. On the tensor
// cores where wgrad_rows.cuh supports the convolution, else direct.
#include <algorithm>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/wgrad_rows.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kTile = 32;      // channels of either side
constexpr int kPixels = 32;    // of a row held in shared memory at a time
constexpr int kPerThread = 4;  // each thread sums a 4 × 4 register tile
constexpr int kThreads = kTile / kPerThread * kTile / kPerThread;

constexpr std::int64_t ceil_div(std::int64_t count, std::int64_t divisor) {
  return (count + divisor - 1) / divisor;
}

std::int64_t tiles(std::int64_t channels) { return ceil_div(channels, kTile); }

/// Enough slices for kBlocks blocks over all tiles, two per multiprocessor of an H100, but not so many that
/// adding up the slices dominates.
std::int64_t slices(const Conv2dProblem& p, std::size_t inputs) {
  constexpr std::int64_t kBlocks = 264, kMinRowsPerSlice = 4;
  const std::int64_t rows = static_cast<std::int64_t>(inputs) * p.n * p.out_h();
  const std::int64_t blocks = tiles(p.total_in_channels()) * tiles(p.out_channels);
  return ceil_div(rows, std::max(kMinRowsPerSlice, ceil_div(rows * blocks, kBlocks)));
}

/// Sums per slice: those of the weights, then those of the bias.
std::int64_t slice_size(const Conv2dProblem& p) {
  return (p.kernel * p.kernel * p.total_in_channels() + 1) * p.out_channels;
}

/// Grid: x slices of the rows of all inputs and images, y taps, z output tiles within input tiles. sums:
/// (slices, size); a slice has the sums of the weights, (taps, in, out), then those of the bias.
template <class In, class Grad>
__global__ void __launch_bounds__(kThreads)
    sum_slices(Conv2dProblem p, const __grid_constant__ wgrad_rows::Inputs<In, Grad> inputs,
               std::int64_t size, float* sums) {
  SHARED_ARRAY(float, ins, [kPixels][kTile]);
  SHARED_ARRAY(float, outs, [kPixels][kTile]);
  const int thread = static_cast<int>(threadIdx.x);
  const int own_in = thread / (kTile / kPerThread) * kPerThread,
            own_out = thread % (kTile / kPerThread) * kPerThread;
  const std::int64_t out_tiles = (p.out_channels + kTile - 1) / kTile;
  const std::int64_t first_in = blockIdx.z / out_tiles * kTile, first_out = blockIdx.z % out_tiles * kTile;
  const std::int64_t in_channels = p.total_in_channels(), out_w = p.out_w();
  const std::int64_t tap_y = blockIdx.y / p.kernel * p.dilation - p.padding,
                     tap_x = blockIdx.y % p.kernel * p.dilation - p.padding;
  const std::int64_t rows_per_input = p.n * p.out_h(), rows = inputs.count * rows_per_input,
                     begin = blockIdx.x * rows / gridDim.x, end = (blockIdx.x + 1) * rows / gridDim.x;
  const bool sums_bias = blockIdx.y == 0 && first_in == 0;

  float sum[kPerThread][kPerThread] = {};
  float bias_sum = 0;
  for (std::int64_t k = begin; k < end; ++k) {
    const int input = static_cast<int>(k / rows_per_input);
    const std::int64_t row = k % rows_per_input;
    const wgrad_rows::ConcatenatedMaps<In> maps = inputs.maps(input);
    const Grad* const grad_preactivation = inputs.items[input].grad_preactivation;
    const std::int64_t image = row / p.out_h(), y = row % p.out_h() * p.stride + tap_y;
    const bool inside = y >= 0 && y < p.h;
    if (!inside && !sums_bias) continue;
    for (std::int64_t x0 = 0; x0 < out_w; x0 += kPixels) {
      for (int i = thread; i < kPixels * kTile; i += kThreads) {
        const int pixel = i / kTile, channel = i % kTile;
        const std::int64_t out_x = x0 + pixel, x = out_x * p.stride + tap_x;
        const bool counts = out_x < out_w, reads = counts && inside && x >= 0 && x < p.w;
        outs[pixel][channel] =
            counts && first_out + channel < p.out_channels
                ? gpu::to_float(
                      grad_preactivation[(row * out_w + out_x) * p.out_channels + first_out + channel])
                : 0;
        ins[pixel][channel] =
            reads ? maps.at((image * p.h + y) * p.w + x, static_cast<int>(first_in) + channel) : 0;
      }
      __syncthreads();
      for (int pixel = 0; pixel < kPixels; ++pixel) {
#pragma unroll
        for (int i = 0; i < kPerThread; ++i)
#pragma unroll
          for (int o = 0; o < kPerThread; ++o)
            sum[i][o] = fmaf(ins[pixel][own_in + i], outs[pixel][own_out + o], sum[i][o]);
      }
      if (sums_bias && thread < kTile)
        for (int pixel = 0; pixel < kPixels; ++pixel) bias_sum += outs[pixel][thread];
      __syncthreads();
    }
  }

  float* const slice = sums + blockIdx.x * size;
  float* const to = slice + blockIdx.y * in_channels * p.out_channels;
#pragma unroll
  for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
    for (int o = 0; o < kPerThread; ++o) {
      const std::int64_t in = first_in + own_in + i, out = first_out + own_out + o;
      if (in < in_channels && out < p.out_channels) to[in * p.out_channels + out] = sum[i][o];
    }
  }
  if (sums_bias && thread < kTile && first_out + thread < p.out_channels)
    slice[size - p.out_channels + first_out + thread] = bias_sum;
}

constexpr int kGroups = 8;  // groups of slices, one warp each

/// Adds up the slices of each sum: each warp adds one group of slices, then the first warp adds the groups.
/// Grid: x blocks of 32 sums. total_channels: input channels of the weights; the first in_channels were
/// summed.
__global__ void __launch_bounds__(kGroups* gpu::kWarp)
    add_slices(const float* sums, int slices, std::int64_t size, int taps, int in_channels,
               int total_channels, int out_channels, float* dweight, float* dbias) {
  SHARED_ARRAY(double, groups, [kGroups][gpu::kWarp]);
  const int group = static_cast<int>(threadIdx.x) / gpu::kWarp,
            lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int k = static_cast<int>(blockIdx.x) * gpu::kWarp + lane;
  double sum = 0;
  if (k < size) {
    const int end = (group + 1) * slices / kGroups;
#pragma unroll 4
    for (int slice = group * slices / kGroups; slice < end; ++slice)
      sum += static_cast<double>(sums[slice * size + k]);
  }
  groups[group][lane] = sum;
  __syncthreads();
  if (group > 0 || k >= size) return;
  for (int s = 1; s < kGroups; ++s) sum += groups[s][lane];
  const int out = k % out_channels, in = k / out_channels % in_channels, tap = k / out_channels / in_channels;
  if (tap < taps)
    dweight[(out * total_channels + in) * taps + tap] += static_cast<float>(sum);
  else if (dbias)
    dbias[out] += static_cast<float>(sum);
}

}  // namespace

template <class In, class Grad>
void conv2d_wgrad(const Context& context, const Conv2dProblem& p, const Conv2dWgradArguments<In, Grad>& a) {
  Conv2dProblem present = p;  // without an absent second map, whose weights have zero gradient
  if (!a.inputs.front().in[1]) present.in_channels[1] = 0;
  const auto count = static_cast<unsigned>(slices(p, a.count));
  const std::int64_t taps = p.kernel * p.kernel, in_channels = present.total_in_channels();
  const std::int64_t size = slice_size(present);
  const auto pairs = static_cast<unsigned>(tiles(in_channels) * tiles(p.out_channels));
  float* const sums = context.workspace(count * size);
  const wgrad_rows::Inputs<In, Grad> inputs(present, a);
  if (!wgrad_rows::launch(present, inputs, dim3(count, pairs), size, sums, context.stream)) {
    gpu::launch(sum_slices<In, Grad>, dim3(count, static_cast<unsigned>(taps), pairs), kThreads, 0,
                context.stream, present, inputs, size, sums);
  }
  gpu::launch(add_slices, static_cast<unsigned>(ceil_div(size, gpu::kWarp)), kGroups * gpu::kWarp, 0,
              context.stream, sums, static_cast<int>(count), size, static_cast<int>(taps),
              static_cast<int>(in_channels), static_cast<int>(p.total_in_channels()),
              static_cast<int>(p.out_channels), a.dweight, a.dbias);
}

template void conv2d_wgrad(const Context&, const Conv2dProblem&, const Conv2dWgradArguments<float, float>&);
template void conv2d_wgrad(const Context&, const Conv2dProblem&, const Conv2dWgradArguments<float, Half>&);
template void conv2d_wgrad(const Context&, const Conv2dProblem&, const Conv2dWgradArguments<Half, float>&);
template void conv2d_wgrad(const Context&, const Conv2dProblem&, const Conv2dWgradArguments<Half, Half>&);

}  // namespace sapnet::kernels::cuda
