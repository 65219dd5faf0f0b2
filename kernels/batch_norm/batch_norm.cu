// Channel sums over a fixed number of pixel slices, independent of the GPU: a block sums one slice of 32
// channels, one channel per lane, and the slices are added in order. Then one thread per element.
#include <algorithm>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/batch_norm/formulas.h"
#include "kernels/elementwise.cuh"
#include "kernels/storage.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kWarps = 8, kThreads = kWarps * gpu::kWarp;
constexpr std::int64_t kMaxSlices = 128, kMinPixelsPerSlice = 128;  // a slice has at least this many

std::int64_t slices(const BatchNormProblem& p) {
  return std::clamp<std::int64_t>(p.pixels() / kMinPixelsPerSlice, 1, kMaxSlices);
}

/// Sums terms(k, c, values) over a slice, where k is the element index and c its channel. Grid: x slices, y
/// blocks of 32 channels. partials: (slices, 2, c).
template <class Terms>
__global__ void __launch_bounds__(kThreads) sum_slices(BatchNormProblem p, Terms terms, double* partials) {
  SHARED_ARRAY(double, warps, [kWarps][2][gpu::kWarp]);
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp,
            lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.y) * gpu::kWarp + lane;
  const std::int64_t begin = blockIdx.x * p.pixels() / gridDim.x,
                     end = (blockIdx.x + 1) * p.pixels() / gridDim.x;
  double sums[2] = {};
  for (std::int64_t pixel = begin + warp; pixel < end && c < p.c; pixel += kWarps) {
    double values[2];
    terms(pixel * p.c + c, c, values);
    sums[0] += values[0];
    sums[1] += values[1];
  }
  warps[warp][0][lane] = sums[0];
  warps[warp][1][lane] = sums[1];
  __syncthreads();
  if (warp >= 2 || c >= p.c) return;  // warp 0 adds up the first sums, warp 1 the second
  double sum = 0;
  for (int k = 0; k < kWarps; ++k) sum += warps[k][warp][lane];
  partials[(static_cast<std::int64_t>(blockIdx.x) * 2 + warp) * p.c + c] = sum;
}

/// One of the two sums of a channel, over all slices.
struct ChannelSums {
  const double* partials;
  std::int64_t slices, channels;

  __device__ double at(int sum, std::int64_t c) const {
    double total = 0;
    for (std::int64_t slice = 0; slice < slices; ++slice) total += partials[(slice * 2 + sum) * channels + c];
    return total;
  }
};

template <class Terms>
ChannelSums channel_sums(const Context& context, const BatchNormProblem& p, const Terms& terms) {
  double* const partials = gpu::doubles(context, slices(p) * 2 * p.c);
  gpu::launch(
      sum_slices<Terms>,
      dim3(static_cast<unsigned>(slices(p)), static_cast<unsigned>((p.c + gpu::kWarp - 1) / gpu::kWarp)),
      kThreads, 0, context.stream, p, terms, partials);
  return {partials, slices(p), p.c};
}

template <class T>
struct Squares {
  const T* in;
  __device__ void operator()(std::int64_t k, std::int64_t /*c*/, double (&values)[2]) const {
    const double x = gpu::to_float(in[k]);
    values[0] = x;
    values[1] = x * x;
  }
};

struct Statistics {
  ChannelSums sums;
  double count;
  float *mean, *inv_std;

  __device__ void operator()(std::int64_t c) const {
    const double sum = sums.at(0, c), squares = sums.at(1, c);
    mean[c] = static_cast<float>(sum / count);
    inv_std[c] = static_cast<float>(1 / sqrt(variance_plus_epsilon(sum, squares, count)));
  }
};

template <class T>
struct Normalize {
  BatchNormArguments<T> a;
  int channels;
  std::int64_t row_size;

  __device__ void operator()(int row, int k) const {
    const int c = k % channels;
    const std::int64_t at = row * row_size + k;
    float sum = a.gamma[c] * normalized(gpu::to_float(a.in[at]), a.mean[c], a.inv_std[c]) + a.beta[c];
    if (a.residual) sum += gpu::to_float(a.residual[at]);
    a.out[at] = gpu::from_float<T>(a.relu && !(sum > 0) ? 0 : sum);
  }
};

/// dout masked by the ReLU.
template <class T>
__device__ float masked_dout(const BatchNormBackwardArguments<T>& a, std::int64_t k) {
  return a.out && !(gpu::to_float(a.out[k]) > 0) ? 0 : gpu::to_float(a.dout[k]);
}

template <class T>
struct Gradients {
  BatchNormBackwardArguments<T> a;
  __device__ void operator()(std::int64_t k, std::int64_t c, double (&values)[2]) const {
    values[0] = masked_dout(a, k);
    values[1] = values[0] * normalized(gpu::to_float(a.in[k]), a.mean[c], a.inv_std[c]);
  }
};

struct Means {
  ChannelSums sums;
  double count;
  float* means;  // (2, c)

  __device__ void operator()(std::int64_t c) const {
    means[c] = static_cast<float>(sums.at(0, c) / count);
    means[sums.channels + c] = static_cast<float>(sums.at(1, c) / count);
  }
};

template <class T>
struct NormalizeBackward {
  BatchNormBackwardArguments<T> a;
  const float* means;
  int channels;
  std::int64_t row_size;

  __device__ void operator()(int row, int k) const {
    const int c = k % channels;
    const std::int64_t at = row * row_size + k;
    const float g = masked_dout(a, at), normal = normalized(gpu::to_float(a.in[at]), a.mean[c], a.inv_std[c]);
    if (a.dresidual) a.dresidual[at] = gpu::from_float<T>(g);
    a.din[at] = gpu::from_float<T>(
        batch_norm_gradient(g, normal, means[c], means[channels + c], a.gamma[c], a.inv_std[c]));
  }
};

}  // namespace

template <class T>
void batch_norm(const Context& context, const BatchNormProblem& p, const BatchNormArguments<T>& a) {
  const ChannelSums sums = channel_sums(context, p, Squares<T>{a.in});
  gpu::for_each_element(p.c, context.stream,
                        Statistics{sums, static_cast<double>(p.pixels()), a.mean, a.inv_std});
  gpu::for_each_element_of_rows(p.n * p.h, p.w * p.c, context.stream,
                                Normalize<T>{a, static_cast<int>(p.c), p.w * p.c});
}

template <class T>
void batch_norm_backward(const Context& context, const BatchNormProblem& p,
                         const BatchNormBackwardArguments<T>& a) {
  const ChannelSums sums = channel_sums(context, p, Gradients<T>{a});
  float* const means = context.workspace(2 * p.c);
  gpu::for_each_element(p.c, context.stream, Means{sums, static_cast<double>(p.pixels()), means});
  gpu::for_each_element_of_rows(p.n * p.h, p.w * p.c, context.stream,
                                NormalizeBackward<T>{a, means, static_cast<int>(p.c), p.w * p.c});
}

SAPNET_INSTANTIATE(batch_norm, const BatchNormProblem&, BatchNormArguments);
SAPNET_INSTANTIATE(batch_norm_backward, const BatchNormProblem&, BatchNormBackwardArguments);

}  // namespace sapnet::kernels::cuda
