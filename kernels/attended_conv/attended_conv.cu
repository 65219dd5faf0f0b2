#include "kernels/attended_conv/attended_conv.h"
#include "kernels/attended_conv/attended_conv_backward.h"
#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/elementwise.cuh"
#include "kernels/gpu.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kChannels = 32;
constexpr int kMaxHidden = 32;
constexpr int kTaps = 9;
constexpr int kThreads = kTaps * kChannels;  // one per tap and channel
/// That one block adds up; more are first reduced by several blocks.
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
    attention_scale_of_sums(const float* shifted_sums, std::int64_t partials, const float* weight,
                            const float* bias, const float* w1, const float* w2, const float* w3, int hidden,
                            double pixels, float* scale, double* statistics) {
  SHARED_ARRAY(double, sums, [kTaps][kChannels]);
  SHARED_ARRAY(double, products, [kTaps][kChannels]);
  SHARED_ARRAY(double, mean, [kChannels]);
  SHARED_ARRAY(double, squeezed, [kMaxHidden]);
  const int tap = static_cast<int>(threadIdx.x) / kChannels,
            channel = static_cast<int>(threadIdx.x) % kChannels;
  sums[tap][channel] = add_partials(shifted_sums + blockIdx.x * partials * kThreads, 0, partials);
  __syncthreads();
  double product = 0;  // contribution of this tap to output `channel`
  for (int i = 0; i < kChannels; ++i)
    product += static_cast<double>(weight[(channel * kChannels + i) * kTaps + tap]) * sums[tap][i];
  products[tap][channel] = product;
  __syncthreads();
  if (tap == 0) {
    double sum = 0;
    for (int k = 0; k < kTaps; ++k) sum += products[k][channel];
    mean[channel] = static_cast<double>(bias[channel]) + sum / pixels;
  }
  __syncthreads();
  if (tap == 0 && channel < hidden)
    squeezed[channel] = fmax(0.0, dot(w1 + channel * kChannels, mean, kChannels));
  __syncthreads();
  if (tap == 0) {
    const double logit =
        dot(w2 + channel * hidden, squeezed, hidden) + dot(w3 + channel * kChannels, mean, kChannels);
    scale[blockIdx.x * kChannels + channel] = static_cast<float>(1 / (1 + exp(-logit)));
    if (statistics) {
      double* const to = statistics + blockIdx.x * (kChannels + hidden);
      to[channel] = mean[channel];
      if (channel < hidden) to[kChannels + channel] = squeezed[channel];
    }
  }
}

}  // namespace

bool supports_attended_conv(const AttendedConvProblem& p) {
  return p.c == kChannels && p.hidden <= kMaxHidden;
}

std::size_t attended_conv_workspace(const AttendedConvProblem& p, std::int64_t partials) {
  const std::int64_t folded = partials > kMaxPartials ? kMaxPartials * kThreads : 0;
  return static_cast<std::size_t>(p.n * (p.c + folded));
}

namespace {

/// Arguments: those of the forward or of the backward pass. workspace: attended_conv_workspace() floats.
template <class Arguments>
void launch_attention(const AttendedConvProblem& p, const Arguments& a, float* workspace, double* statistics,
                      CudaStream stream) {
  float* const scale = workspace;
  const auto images = static_cast<unsigned>(p.n);
  const float* sums = a.shifted_sums;
  std::int64_t partials = a.partials;
  if (partials > kMaxPartials) {
    float* const folded = workspace + p.n * p.c;
    gpu::launch(fold_partials, dim3(static_cast<unsigned>(kMaxPartials), images), kThreads, 0, stream, sums,
                partials, folded);
    sums = folded;
    partials = kMaxPartials;
  }
  gpu::launch(attention_scale_of_sums, dim3(images), kThreads, 0, stream, sums, partials, a.weight, a.bias,
              a.w1, a.w2, a.w3, static_cast<int>(p.hidden), static_cast<double>(p.h * p.w), scale,
              statistics);
}

}  // namespace

template <class T>
void attention_scale(const AttendedConvProblem& p, const BasicAttendedConvArguments<T>& a, float* workspace,
                     CudaStream stream) {
  launch_attention(p, a, workspace, nullptr, stream);
}

template <class T>
void attended_conv(const AttendedConvProblem& p, const BasicAttendedConvArguments<T>& a, float* workspace,
                   CudaStream stream) {
  attention_scale(p, a, workspace, stream);
  // The scale is positive, so it commutes with the ReLU.
  BasicConv2dArguments<T> conv;
  conv.in = {a.in, nullptr};
  conv.weight = a.packed;
  conv.bias = a.bias;
  conv.scale = workspace;
  conv.residual = a.residual;
  conv.relu = true;
  conv.out = a.out;
  conv.pre_residual = a.pre_residual;
  conv.shifted_sums = a.out_shifted_sums;
  conv.sums_dilation = p.next_dilation;
  conv2d(p.conv(), conv, stream);
}

// --- backward (attended_conv_backward.h) ---

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

std::size_t attended_conv_backward_workspace(const AttendedConvProblem& p, std::int64_t partials) {
  const std::int64_t doubles = p.n * (2 * p.c + 2 * p.hidden);
  return static_cast<std::size_t>(2 * doubles + p.n * p.c * (1 + scale_grad_partials(p))) +
         attended_conv_workspace(p, partials);
}

template <class T>
void attended_conv_backward(const AttendedConvProblem& p, const BasicAttendedConvBackwardArguments<T>& a,
                            float* workspace, CudaStream stream) {
  auto* const statistics = reinterpret_cast<double*>(workspace);
  double* const dlogit = statistics + p.n * (p.c + p.hidden);
  double* const dhidden = dlogit + p.n * p.c;
  float* const kappa = reinterpret_cast<float*>(dhidden + p.n * p.hidden);
  float* const scale_partials = kappa + p.n * p.c;
  float* const scale = scale_partials + p.n * p.c * scale_grad_partials(p);
  const auto images = static_cast<unsigned>(p.n);
  const int hidden = static_cast<int>(p.hidden);
  launch_attention(p, a, scale, statistics, stream);
  gpu::launch(sum_scale_gradient<gpu::Stored<T>>, dim3(static_cast<unsigned>(scale_grad_partials(p)), images),
              kSumWarps * gpu::kWarp, 0, stream, gpu::stored(a.dout), gpu::stored(a.out),
              gpu::stored(a.pre_residual ? a.pre_residual : a.out), p.h * p.w, scale_partials);
  gpu::launch(attention_backward, dim3(images), kChannels, 0, stream, scale_partials, scale_grad_partials(p),
              scale, statistics, a.w1, a.w2, a.w3, hidden, static_cast<double>(p.h * p.w),
              AttentionGradients{dlogit, dhidden, kappa});
  gpu::for_each_element(p.c * p.c + 2 * p.c * p.hidden, stream,
                        AddAttentionWeights{statistics, dlogit, dhidden, p.n, hidden, a.dw1, a.dw2, a.dw3});
  conv2d_epilogue_backward<T>(p.conv(),
                              {.dout = a.dout,
                               .out = a.out,
                               .pre_residual = a.pre_residual,
                               .scale = scale,
                               .shift = kappa,
                               .grad_preactivation = a.dy,
                               .dresidual_before = a.dresidual_before,
                               .dresidual = a.dresidual},
                              stream);
}

template void attended_conv_backward(const AttendedConvProblem&,
                                     const BasicAttendedConvBackwardArguments<float>&, float*, CudaStream);
template void attended_conv_backward(const AttendedConvProblem&,
                                     const BasicAttendedConvBackwardArguments<Half>&, float*, CudaStream);
template void attention_scale(const AttendedConvProblem&, const BasicAttendedConvArguments<float>&, float*,
                              CudaStream);
template void attention_scale(const AttendedConvProblem&, const BasicAttendedConvArguments<Half>&, float*,
                              CudaStream);
template void attended_conv(const AttendedConvProblem&, const BasicAttendedConvArguments<float>&, float*,
                            CudaStream);
template void attended_conv(const AttendedConvProblem&, const BasicAttendedConvArguments<Half>&, float*,
                            CudaStream);

}  // namespace sapnet::kernels::cuda
