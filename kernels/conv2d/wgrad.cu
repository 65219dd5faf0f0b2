// The gradient of a convolution's weights, by its definition, for any convolution. The outputs' rows are
// dealt out in slices, a fixed number whatever the GPU; a block sums one slice of one tap for 32 × 32 pairs
// of channels in fp32, and the slices are added in double in their order.
#include <algorithm>

#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kTile = 32;    // channels of either side
constexpr int kPixels = 32;  // of a row that lie in shared memory at a time
constexpr int kOwn = 4;      // a thread sums 4 × 4 pairs
constexpr int kThreads = kTile / kOwn * kTile / kOwn;
constexpr std::int64_t kMostSlices = 64, kRowsOfSlice = 4;  // at least

std::int64_t slices(const Conv2dProblem& p) {
  return std::clamp<std::int64_t>(p.n * p.out_h() / kRowsOfSlice, 1, kMostSlices);
}

std::int64_t tiles(std::int64_t channels) { return (channels + kTile - 1) / kTile; }

/// Number `channel` of all maps side by side at a pixel; those of an absent map are zero.
template <class T>
__device__ __forceinline__ float input_at(const Conv2dProblem& p, const T* first, const T* second,
                                          std::int64_t pixel, std::int64_t channel) {
  if (channel < p.in_channels[0]) return gpu::to_float(first[pixel * p.in_channels[0] + channel]);
  channel -= p.in_channels[0];
  const bool there = second && channel < p.in_channels[1];
  return there ? gpu::to_float(second[pixel * p.in_channels[1] + channel]) : 0;
}

/// Grid: x slices, y taps, z tiles of outputs within tiles of inputs. sums: (slices, taps, in, out); bias:
/// (slices, out).
template <class In, class Sum>
__global__ void __launch_bounds__(kThreads) sum_slices(Conv2dProblem p, const In* first, const In* second,
                                                       const Sum* dsum, float* sums, float* bias) {
  SHARED_ARRAY(float, ins, [kPixels][kTile]);
  SHARED_ARRAY(float, outs, [kPixels][kTile]);
  const int thread = static_cast<int>(threadIdx.x);
  const int own_in = thread / (kTile / kOwn) * kOwn, own_out = thread % (kTile / kOwn) * kOwn;
  const std::int64_t out_tiles = (p.out_channels + kTile - 1) / kTile;
  const std::int64_t first_in = blockIdx.z / out_tiles * kTile, first_out = blockIdx.z % out_tiles * kTile;
  const std::int64_t in_channels = p.total_in_channels(), out_w = p.out_w();
  const std::int64_t tap_y = blockIdx.y / p.kernel * p.dilation - p.padding,
                     tap_x = blockIdx.y % p.kernel * p.dilation - p.padding;
  const std::int64_t rows = p.n * p.out_h(), begin = blockIdx.x * rows / gridDim.x,
                     end = (blockIdx.x + 1) * rows / gridDim.x;
  const bool sums_bias = blockIdx.y == 0 && first_in == 0;

  float sum[kOwn][kOwn] = {};
  float bias_sum = 0;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t image = row / p.out_h(), y = row % p.out_h() * p.stride + tap_y;
    const bool inside = y >= 0 && y < p.h;
    if (!inside && !sums_bias) continue;
    for (std::int64_t x0 = 0; x0 < out_w; x0 += kPixels) {
      for (int k = thread; k < kPixels * kTile; k += kThreads) {
        const int pixel = k / kTile, channel = k % kTile;
        const std::int64_t out_x = x0 + pixel, x = out_x * p.stride + tap_x;
        const bool counts = out_x < out_w, reads = counts && inside && x >= 0 && x < p.w;
        outs[pixel][channel] =
            counts && first_out + channel < p.out_channels
                ? gpu::to_float(dsum[(row * out_w + out_x) * p.out_channels + first_out + channel])
                : 0;
        ins[pixel][channel] =
            reads ? input_at(p, first, second, (image * p.h + y) * p.w + x, first_in + channel) : 0;
      }
      __syncthreads();
      for (int pixel = 0; pixel < kPixels; ++pixel) {
#pragma unroll
        for (int i = 0; i < kOwn; ++i)
#pragma unroll
          for (int o = 0; o < kOwn; ++o)
            sum[i][o] = fmaf(ins[pixel][own_in + i], outs[pixel][own_out + o], sum[i][o]);
      }
      if (sums_bias && thread < kTile)
        for (int pixel = 0; pixel < kPixels; ++pixel) bias_sum += outs[pixel][thread];
      __syncthreads();
    }
  }

  float* const to =
      sums + (static_cast<std::int64_t>(blockIdx.x) * gridDim.y + blockIdx.y) * in_channels * p.out_channels;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
#pragma unroll
    for (int o = 0; o < kOwn; ++o) {
      const std::int64_t in = first_in + own_in + i, out = first_out + own_out + o;
      if (in < in_channels && out < p.out_channels) to[in * p.out_channels + out] = sum[i][o];
    }
  }
  if (sums_bias && thread < kTile && first_out + thread < p.out_channels)
    bias[blockIdx.x * p.out_channels + first_out + thread] = bias_sum;
}

/// Adds the slices of number k, of `size` numbers, in their order.
__device__ float add_slices(const float* sums, std::int64_t slices, std::int64_t size, std::int64_t k) {
  double sum = 0;
  for (std::int64_t slice = 0; slice < slices; ++slice) sum += static_cast<double>(sums[slice * size + k]);
  return static_cast<float>(sum);
}

struct AddWeights {
  const float* sums;
  std::int64_t slices, taps, in_channels, out_channels;
  float* dweight;

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t o = k % out_channels, i = k / out_channels % in_channels,
                       tap = k / out_channels / in_channels;
    dweight[(o * in_channels + i) * taps + tap] +=
        add_slices(sums, slices, taps * in_channels * out_channels, k);
  }
};

struct AddBias {
  const float* sums;
  std::int64_t slices, out_channels;
  float* dbias;

  __device__ void operator()(std::int64_t o) const { dbias[o] += add_slices(sums, slices, out_channels, o); }
};

}  // namespace

std::size_t conv2d_wgrad_workspace(const Conv2dProblem& p) {
  const std::int64_t weights = p.kernel * p.kernel * p.total_in_channels() * p.out_channels;
  return static_cast<std::size_t>(slices(p) * (weights + p.out_channels));
}

template <class In, class Sum>
void conv2d_wgrad(const Conv2dProblem& p, const BasicConv2dWgradArguments<In, Sum>& a, float* workspace,
                  CudaStream stream) {
  const std::int64_t taps = p.kernel * p.kernel, in_channels = p.total_in_channels();
  const std::int64_t weights = taps * in_channels * p.out_channels;
  float* const bias = workspace + slices(p) * weights;
  gpu::launch(sum_slices<gpu::Stored<In>, gpu::Stored<Sum>>,
              dim3(static_cast<unsigned>(slices(p)), static_cast<unsigned>(taps),
                   static_cast<unsigned>(tiles(in_channels) * tiles(p.out_channels))),
              kThreads, 0, stream, p, gpu::stored(a.in[0]), gpu::stored(a.in[1]), gpu::stored(a.dsum),
              workspace, bias);
  gpu::for_each_element(weights, stream,
                        AddWeights{workspace, slices(p), taps, in_channels, p.out_channels, a.dweight});
  if (a.dbias)
    gpu::for_each_element(p.out_channels, stream, AddBias{bias, slices(p), p.out_channels, a.dbias});
}

template void conv2d_wgrad(const Conv2dProblem&, const BasicConv2dWgradArguments<float, float>&, float*,
                           CudaStream);
template void conv2d_wgrad(const Conv2dProblem&, const BasicConv2dWgradArguments<float, Half>&, float*,
                           CudaStream);
template void conv2d_wgrad(const Conv2dProblem&, const BasicConv2dWgradArguments<Half, float>&, float*,
                           CudaStream);
template void conv2d_wgrad(const Conv2dProblem&, const BasicConv2dWgradArguments<Half, Half>&, float*,
                           CudaStream);

}  // namespace sapnet::kernels::cuda
