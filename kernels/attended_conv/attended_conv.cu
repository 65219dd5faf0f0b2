#include "kernels/attended_conv/attended_conv.h"
#include "kernels/attended_conv/conv_arguments.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise.cuh"
#include "kernels/gpu.cuh"
#include "kernels/storage.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kChannels = 32;
constexpr int kMaxHidden = 32;
constexpr int kTaps = 9;
constexpr int kThreads = kTaps * kChannels;  // one per tap and channel
/// The most partials that one block adds up; more are first reduced by several blocks.
constexpr std::int64_t kMaxPartials = 128;

/// The sum over partials [begin, end) for the thread's tap and channel, in order.
__device__ double add_partials(const float* shifted_sums, std::int64_t begin, std::int64_t end) {
  double sum = 0;
#pragma unroll 16
  for (std::int64_t part = begin; part < end; ++part) sum += shifted_sums[part * kThreads + threadIdx.x];
  return sum;
}

/// Block (k, image) adds up the k-th chunk of an image's partials. out: (n, gridDim.x, 9, c).
__global__ void __launch_bounds__(kThreads)
    fold_partials(const float* shifted_sums, std::int64_t partials, float* out) {
  const std::int64_t chunk = (partials + gridDim.x - 1) / gridDim.x, begin = blockIdx.x * chunk;
  const float* const image = shifted_sums + blockIdx.y * partials * kThreads;
  const std::int64_t end = begin + chunk < partials ? begin + chunk : partials;
  out[(static_cast<std::int64_t>(blockIdx.y) * gridDim.x + blockIdx.x) * kThreads + threadIdx.x] =
      static_cast<float>(add_partials(image, begin, end));
}

__device__ double dot(const float* row, const double* vector, int size) {
  double sum = 0;
  for (int k = 0; k < size; ++k) sum += static_cast<double>(row[k]) * vector[k];
  return sum;
}

/// Block k computes the statistics of image k.
__global__ void __launch_bounds__(kThreads)
    attention_of_sums(AttentionArguments a, int hidden, double pixels, AttentionStatistics<float> to) {
  SHARED_ARRAY(double, sums, [kTaps][kChannels]);
  SHARED_ARRAY(double, products, [kTaps][kChannels]);
  SHARED_ARRAY(double, mean, [kChannels]);
  SHARED_ARRAY(double, squeezed, [kMaxHidden]);
  const int tap = static_cast<int>(threadIdx.x) / kChannels,
            channel = static_cast<int>(threadIdx.x) % kChannels;
  sums[tap][channel] = add_partials(a.shifted_sums + blockIdx.x * a.partials * kThreads, 0, a.partials);
  __syncthreads();
  double product = 0;  // contribution of this tap to output `channel`
#pragma unroll
  for (int i = 0; i < kChannels; ++i)
    product += static_cast<double>(a.weight[(channel * kChannels + i) * kTaps + tap]) * sums[tap][i];
  products[tap][channel] = product;
  __syncthreads();
  if (tap > 0) return;  // the rest is for one warp
  double sum = 0;
  for (int k = 0; k < kTaps; ++k) sum += products[k][channel];
  mean[channel] = static_cast<double>(a.bias[channel]) + sum / pixels;
  __syncwarp();
  if (channel < hidden) squeezed[channel] = fmax(0.0, dot(a.w1 + channel * kChannels, mean, kChannels));
  __syncwarp();
  const double logit =
      dot(a.w2 + channel * hidden, squeezed, hidden) + dot(a.w3 + channel * kChannels, mean, kChannels);
  to.scale[blockIdx.x * kChannels + channel] = static_cast<float>(1 / (1 + exp(-logit)));
  to.mean[blockIdx.x * kChannels + channel] = static_cast<float>(mean[channel]);
  if (channel < hidden) to.squeezed[blockIdx.x * hidden + channel] = static_cast<float>(squeezed[channel]);
}

}  // namespace

bool supports_attended_conv(const Context& /*context*/, const AttendedConvProblem& p) {
  return p.c == kChannels && p.hidden <= kMaxHidden;
}

template <class T>
void attended_conv(const Context& context, const AttendedConvProblem& p, const AttendedConvArguments<T>& a) {
  const AttentionStatistics<float> statistics(
      p, a.statistics ? a.statistics : context.workspace(AttentionStatistics<float>::count(p)));
  const auto images = static_cast<unsigned>(p.n);
  AttentionArguments attention = a.attention;
  if (attention.partials > kMaxPartials) {
    float* const folded = context.workspace(p.n * kMaxPartials * kThreads);
    gpu::launch(fold_partials, dim3(static_cast<unsigned>(kMaxPartials), images), kThreads, 0, context.stream,
                attention.shifted_sums, attention.partials, folded);
    attention.shifted_sums = folded;
    attention.partials = kMaxPartials;
  }
  gpu::launch(attention_of_sums, dim3(images), kThreads, 0, context.stream, attention,
              static_cast<int>(p.hidden), static_cast<double>(p.h * p.w), statistics);
  conv2d(context, p.conv(), conv_arguments(p, a, statistics.scale));
}

// --- backward ---

namespace {

constexpr int kSumThreads = 128;
constexpr int kLaneChannels = 8;
constexpr int kLanes = kChannels / kLaneChannels;  // per pixel
constexpr std::int64_t kSumPixels = 256;           // per block

std::int64_t scale_grad_partials(const AttendedConvProblem& p) {
  return (p.h * p.w + kSumPixels - 1) / kSumPixels;
}

/// Block (k, image) sums dout · [out > 0] · relu(s y), which is s · ds, over the k-th chunk of the pixels.
/// partials: (n, gridDim.x, c).
template <class T>
__global__ void __launch_bounds__(kSumThreads)
    sum_scale_gradient(const T* dout, const T* out, const T* pre_residual, std::int64_t pixels,
                       float* partials) {
  using Channels = gpu::Pack<T, kLaneChannels>;
  SHARED_ARRAY(float, block, [kSumThreads / kLanes][kChannels]);
  const int thread = static_cast<int>(threadIdx.x), channel = thread % kLanes * kLaneChannels;
  const std::int64_t begin = blockIdx.x * kSumPixels, image = blockIdx.y;
  const std::int64_t end = begin + kSumPixels < pixels ? begin + kSumPixels : pixels;
  float sums[kLaneChannels] = {};
#pragma unroll 2
  for (std::int64_t pixel = begin + thread / kLanes; pixel < end; pixel += kSumThreads / kLanes) {
    const std::int64_t at = (image * pixels + pixel) * kChannels + channel;
    const auto gradients = Channels::load(dout + at), mask = Channels::load(out + at),
               values = Channels::load(pre_residual + at);
#pragma unroll
    for (int c = 0; c < kLaneChannels; ++c)
      sums[c] += gpu::to_float(mask.values[c]) > 0
                     ? gpu::to_float(gradients.values[c]) * gpu::to_float(values.values[c])
                     : 0;
  }
#pragma unroll
  for (int c = 0; c < kLaneChannels; ++c) block[thread / kLanes][channel + c] = sums[c];
  __syncthreads();
  if (thread >= kChannels) return;
  float sum = 0;
  for (int k = 0; k < kSumThreads / kLanes; ++k) sum += block[k][thread];
  partials[(image * gridDim.x + blockIdx.x) * kChannels + thread] = sum;
}

/// The gradients of one image's attention.
struct AttentionGradients {
  double *dlogit, *dsqueezed;  // (n, c), (n, hidden)
  float* kappa;                // (n, c)
};

/// Block k computes them for image k.
__global__ void __launch_bounds__(kChannels)
    attention_backward(const float* partials, std::int64_t count, AttentionStatistics<const float> statistics,
                       const float* w1, const float* w2, const float* w3, int hidden, double pixels,
                       AttentionGradients to) {
  SHARED_ARRAY(double, dlogit, [kChannels]);
  SHARED_ARRAY(double, dsqueezed, [kMaxHidden]);
  const int channel = static_cast<int>(threadIdx.x);
  const std::int64_t image = blockIdx.x;
  double sum = 0;
#pragma unroll 8
  for (std::int64_t k = 0; k < count; ++k) sum += partials[(image * count + k) * kChannels + channel];
  // The map holds the scaled value, so `sum` is s · ds.
  dlogit[channel] = sum * (1 - static_cast<double>(statistics.scale[image * kChannels + channel]));
  __syncthreads();
  if (channel < hidden) {
    const bool active = statistics.squeezed[image * hidden + channel] > 0;
    double d = 0;
    for (int o = 0; o < kChannels && active; ++o)
      d += static_cast<double>(w2[o * hidden + channel]) * dlogit[o];
    dsqueezed[channel] = d;
    to.dsqueezed[image * hidden + channel] = d;
  }
  __syncthreads();
  double dmean = 0;
  for (int o = 0; o < kChannels; ++o) dmean += static_cast<double>(w3[o * kChannels + channel]) * dlogit[o];
  for (int j = 0; j < hidden; ++j) dmean += static_cast<double>(w1[j * kChannels + channel]) * dsqueezed[j];
  to.dlogit[image * kChannels + channel] = dlogit[channel];
  to.kappa[image * kChannels + channel] = static_cast<float>(dmean / pixels);
}

/// Adds all images' contributions, in order, to the gradients of W1, W2 and W3.
struct AddAttentionWeights {
  AttentionStatistics<const float> statistics;
  AttentionGradients gradients;
  std::int64_t images;
  int hidden;
  float *dw1, *dw2, *dw3;

  /// k indexes the elements of W3, then W2, then W1.
  __device__ void operator()(std::int64_t k) const {
    const int w3_size = kChannels * kChannels, w2_size = kChannels * hidden;
    int i = static_cast<int>(k);
    if (i < w3_size) return add(gradients.dlogit, kChannels, statistics.mean, kChannels, i, dw3);
    i -= w3_size;
    if (i < w2_size) return add(gradients.dlogit, kChannels, statistics.squeezed, hidden, i, dw2);
    add(gradients.dsqueezed, hidden, statistics.mean, kChannels, i - w2_size, dw1);
  }

  /// Adds element i of the outer product rows ⊗ columns, (height, width), summed over images, to to[i].
  __device__ void add(const double* rows, int height, const float* columns, int width, int i,
                      float* to) const {
    double sum = 0;
    for (std::int64_t image = 0; image < images; ++image)
      sum += rows[image * height + i / width] * static_cast<double>(columns[image * width + i % width]);
    to[i] += static_cast<float>(sum);
  }
};

}  // namespace

template <class T>
void attended_conv_backward(const Context& context, const AttendedConvProblem& p,
                            const AttendedConvBackwardArguments<T>& a) {
  const std::int64_t channels = p.n * p.c, partials = scale_grad_partials(p);
  const AttentionStatistics<const float> statistics(p, a.statistics);
  const AttentionGradients gradients = {gpu::doubles(context, channels),
                                        gpu::doubles(context, p.n * p.hidden), context.workspace(channels)};
  float* const scale_partials = context.workspace(channels * partials);
  const auto images = static_cast<unsigned>(p.n);
  const int hidden = static_cast<int>(p.hidden);
  gpu::launch(sum_scale_gradient<T>, dim3(static_cast<unsigned>(partials), images), kSumThreads, 0,
              context.stream, a.dout, a.out, a.pre_residual ? a.pre_residual : a.out, p.h * p.w,
              scale_partials);
  gpu::launch(attention_backward, dim3(images), kChannels, 0, context.stream, scale_partials, partials,
              statistics, a.w1, a.w2, a.w3, hidden, static_cast<double>(p.h * p.w), gradients);
  gpu::for_each_element(p.c * p.c + 2 * p.c * p.hidden, context.stream,
                        AddAttentionWeights{statistics, gradients, p.n, hidden, a.dw1, a.dw2, a.dw3});
  conv2d_epilogue_backward(context, p.conv(), epilogue_arguments(p, a, gradients.kappa));
}

SAPNET_INSTANTIATE(attended_conv, const AttendedConvProblem&, AttendedConvArguments);
SAPNET_INSTANTIATE(attended_conv_backward, const AttendedConvProblem&, AttendedConvBackwardArguments);

}  // namespace sapnet::kernels::cuda
