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
#pragma unroll 8
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

/// Block k computes the scale of image k. If `statistics` is not null, it also writes the mean and the
/// squeezed mean, (n, c + hidden).
__global__ void __launch_bounds__(kThreads)
    attention_scale_of_sums(AttentionArguments a, int hidden, double pixels, float* scale,
                            double* statistics) {
  SHARED_ARRAY(double, sums, [kTaps][kChannels]);
  SHARED_ARRAY(double, products, [kTaps][kChannels]);
  SHARED_ARRAY(double, mean, [kChannels]);
  SHARED_ARRAY(double, squeezed, [kMaxHidden]);
  const int tap = static_cast<int>(threadIdx.x) / kChannels,
            channel = static_cast<int>(threadIdx.x) % kChannels;
  sums[tap][channel] = add_partials(a.shifted_sums + blockIdx.x * a.partials * kThreads, 0, a.partials);
  __syncthreads();
  double product = 0;  // contribution of this tap to output `channel`
  for (int i = 0; i < kChannels; ++i)
    product += static_cast<double>(a.weight[(channel * kChannels + i) * kTaps + tap]) * sums[tap][i];
  products[tap][channel] = product;
  __syncthreads();
  if (tap == 0) {
    double sum = 0;
    for (int k = 0; k < kTaps; ++k) sum += products[k][channel];
    mean[channel] = static_cast<double>(a.bias[channel]) + sum / pixels;
  }
  __syncthreads();
  if (tap == 0 && channel < hidden)
    squeezed[channel] = fmax(0.0, dot(a.w1 + channel * kChannels, mean, kChannels));
  __syncthreads();
  if (tap == 0) {
    const double logit =
        dot(a.w2 + channel * hidden, squeezed, hidden) + dot(a.w3 + channel * kChannels, mean, kChannels);
    scale[blockIdx.x * kChannels + channel] = static_cast<float>(1 / (1 + exp(-logit)));
    if (statistics) {
      double* const to = statistics + blockIdx.x * (kChannels + hidden);
      to[channel] = mean[channel];
      if (channel < hidden) to[kChannels + channel] = squeezed[channel];
    }
  }
}

}  // namespace

bool supports_attended_conv(const Context& /*context*/, const AttendedConvProblem& p) {
  return p.c == kChannels && p.hidden <= kMaxHidden;
}

namespace {

void launch_attention(const Context& context, const AttendedConvProblem& p, AttentionArguments a,
                      float* scale, double* statistics) {
  const auto images = static_cast<unsigned>(p.n);
  if (a.partials > kMaxPartials) {
    float* const folded = context.workspace(p.n * kMaxPartials * kThreads);
    gpu::launch(fold_partials, dim3(static_cast<unsigned>(kMaxPartials), images), kThreads, 0, context.stream,
                a.shifted_sums, a.partials, folded);
    a.shifted_sums = folded;
    a.partials = kMaxPartials;
  }
  gpu::launch(attention_scale_of_sums, dim3(images), kThreads, 0, context.stream, a,
              static_cast<int>(p.hidden), static_cast<double>(p.h * p.w), scale, statistics);
}

}  // namespace

template <class T>
void attended_conv(const Context& context, const AttendedConvProblem& p, const AttendedConvArguments<T>& a) {
  float* const scale = a.scale ? a.scale : context.workspace(p.n * p.c);
  launch_attention(context, p, a.attention, scale, nullptr);
  conv2d(context, p.conv(), conv_arguments(p, a, scale));
}

// --- backward ---

namespace {

constexpr int kSumWarps = 4;
constexpr std::int64_t kSumPixels = 1024;  // per block

std::int64_t scale_grad_partials(const AttendedConvProblem& p) {
  return (p.h * p.w + kSumPixels - 1) / kSumPixels;
}

/// Block (k, image) sums dout · [out > 0] · relu(s y), which is s · ds, over the k-th chunk of the pixels.
/// partials: (n, gridDim.x, c).
template <class T>
__global__ void __launch_bounds__(kSumWarps* gpu::kWarp)
    sum_scale_gradient(const T* dout, const T* out, const T* pre_residual, std::int64_t pixels,
                       float* partials) {
  SHARED_ARRAY(float, sums, [kSumWarps][kChannels]);
  const int channel = static_cast<int>(threadIdx.x) % kChannels,
            warp = static_cast<int>(threadIdx.x) / kChannels;
  const std::int64_t begin = blockIdx.x * kSumPixels, image = blockIdx.y;
  const std::int64_t end = begin + kSumPixels < pixels ? begin + kSumPixels : pixels;
  float sum = 0;
  for (std::int64_t pixel = begin + warp; pixel < end; pixel += kSumWarps) {
    const std::int64_t at = (image * pixels + pixel) * kChannels + channel;
    sum += gpu::to_float(out[at]) > 0 ? gpu::to_float(dout[at]) * gpu::to_float(pre_residual[at]) : 0;
  }
  sums[warp][channel] = sum;
  __syncthreads();
  if (warp > 0) return;
  sum = 0;
  for (int k = 0; k < kSumWarps; ++k) sum += sums[k][channel];
  partials[(image * gridDim.x + blockIdx.x) * kChannels + channel] = sum;
}

/// The gradients of one image's attention.
struct AttentionGradients {
  double *dlogit, *dhidden;  // (n, c), (n, hidden)
  float* kappa;              // (n, c)
};

/// Block k computes them for image k.
__global__ void __launch_bounds__(kChannels)
    attention_backward(const float* partials, std::int64_t count, const float* scale,
                       const double* statistics, const float* w1, const float* w2, const float* w3,
                       int hidden, double pixels, AttentionGradients to) {
  SHARED_ARRAY(double, dlogit, [kChannels]);
  SHARED_ARRAY(double, dhidden, [kMaxHidden]);
  const int channel = static_cast<int>(threadIdx.x);
  const std::int64_t image = blockIdx.x;
  const double* const squeezed = statistics + image * (kChannels + hidden) + kChannels;
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) sum += partials[(image * count + k) * kChannels + channel];
  const double s = scale[image * kChannels + channel];
  // The map holds the scaled value. A scale that underflowed to zero has no gradient.
  dlogit[channel] = s > 0 ? sum / s * s * (1 - s) : 0;
  __syncthreads();
  if (channel < hidden) {
    double d = 0;
    for (int o = 0; o < kChannels && squeezed[channel] > 0; ++o)
      d += static_cast<double>(w2[o * hidden + channel]) * dlogit[o];
    dhidden[channel] = d;
    to.dhidden[image * hidden + channel] = d;
  }
  __syncthreads();
  double kappa = 0;
  for (int o = 0; o < kChannels; ++o) kappa += static_cast<double>(w3[o * kChannels + channel]) * dlogit[o];
  for (int j = 0; j < hidden; ++j) kappa += static_cast<double>(w1[j * kChannels + channel]) * dhidden[j];
  to.dlogit[image * kChannels + channel] = dlogit[channel];
  to.kappa[image * kChannels + channel] = static_cast<float>(kappa / pixels);
}

/// Adds all images' contributions, in order, to the gradients of W1, W2 and W3.
struct AddAttentionWeights {
  const double *statistics, *dlogit, *dhidden;
  std::int64_t images;
  int hidden;
  float *dw1, *dw2, *dw3;

  /// k indexes the elements of W3, then W2, then W1.
  __device__ void operator()(std::int64_t k) const {
    const int w3_size = kChannels * kChannels, w2_size = kChannels * hidden;
    const int i = static_cast<int>(k);
    if (i < w3_size)
      add(dlogit, kChannels, i / kChannels, i % kChannels, dw3 + i);
    else if (i < w3_size + w2_size)
      add(dlogit, kChannels, (i - w3_size) / hidden, kChannels + (i - w3_size) % hidden, dw2 + i - w3_size);
    else
      add(dhidden, hidden, (i - w3_size - w2_size) / kChannels, (i - w3_size - w2_size) % kChannels,
          dw1 + i - w3_size - w2_size);
  }

  /// One element of an outer product summed over images. gradients: (n, size), statistics: (n, c + hidden).
  __device__ void add(const double* gradients, int size, int row, int column, float* to) const {
    double sum = 0;
    for (std::int64_t image = 0; image < images; ++image)
      sum += gradients[image * size + row] * statistics[image * (kChannels + hidden) + column];
    *to += static_cast<float>(sum);
  }
};

}  // namespace

template <class T>
void attended_conv_backward(const Context& context, const AttendedConvProblem& p,
                            const AttendedConvBackwardArguments<T>& a) {
  const std::int64_t channels = p.n * p.c, squeezed = p.n * p.hidden, partials = scale_grad_partials(p);
  double* const statistics = gpu::doubles(context, channels + squeezed);
  double* const dlogit = gpu::doubles(context, channels);
  double* const dhidden = gpu::doubles(context, squeezed);
  float* const kappa = context.workspace(channels);
  float* const scale_partials = context.workspace(channels * partials);
  float* const scale = context.workspace(channels);
  const auto images = static_cast<unsigned>(p.n);
  const int hidden = static_cast<int>(p.hidden);
  launch_attention(context, p, a.attention, scale, statistics);
  gpu::launch(sum_scale_gradient<T>, dim3(static_cast<unsigned>(partials), images), kSumWarps * gpu::kWarp, 0,
              context.stream, a.dout, a.out, a.pre_residual ? a.pre_residual : a.out, p.h * p.w,
              scale_partials);
  gpu::launch(attention_backward, dim3(images), kChannels, 0, context.stream, scale_partials, partials, scale,
              statistics, a.attention.w1, a.attention.w2, a.attention.w3, hidden,
              static_cast<double>(p.h * p.w), AttentionGradients{dlogit, dhidden, kappa});
  gpu::for_each_element(p.c * p.c + 2 * p.c * p.hidden, context.stream,
                        AddAttentionWeights{statistics, dlogit, dhidden, p.n, hidden, a.dw1, a.dw2, a.dw3});
  conv2d_epilogue_backward(context, p.conv(), epilogue_arguments(a, scale, kappa));
}

SAPNET_INSTANTIATE(attended_conv, const AttendedConvProblem&, AttendedConvArguments);
SAPNET_INSTANTIATE(attended_conv_backward, const AttendedConvProblem&, AttendedConvBackwardArguments);

}  // namespace sapnet::kernels::cuda
