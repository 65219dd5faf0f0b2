#include "kernels/attended_conv/attended_conv.h"
#include "kernels/gpu.cuh"
#include "kernels/half.h"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kChannels = 32;
constexpr int kMaxHidden = 32;
constexpr int kTaps = 9;
constexpr int kThreads = kTaps * kChannels;  // one for each tap and channel
constexpr std::int64_t kMaxParts =
    128;  // that one block should add up; of more, several blocks add some first

/// The sum over the parts from `begin` to `end` of the thread's tap and channel, in the parts' order.
__device__ double add_parts(const float* shifted_sums, std::int64_t begin, std::int64_t end) {
  double sum = 0;
#pragma unroll 8
  for (std::int64_t part = begin; part < end; ++part) sum += shifted_sums[part * kThreads + threadIdx.x];
  return sum;
}

/// Block (k, image) adds up the k-th share of an image's parts. out: (n, gridDim.x, 9, c).
__global__ void __launch_bounds__(kThreads)
    fold_parts(const float* shifted_sums, std::int64_t parts, float* out) {
  const std::int64_t share = (parts + gridDim.x - 1) / gridDim.x, begin = blockIdx.x * share;
  const float* const image = shifted_sums + blockIdx.y * parts * kThreads;
  const std::int64_t end = begin + share < parts ? begin + share : parts;
  out[(static_cast<std::int64_t>(blockIdx.y) * gridDim.x + blockIdx.x) * kThreads + threadIdx.x] =
      static_cast<float>(add_parts(image, begin, end));
}

__device__ double dot(const float* row, const double* vector, int size) {
  double sum = 0;
  for (int k = 0; k < size; ++k) sum += static_cast<double>(row[k]) * vector[k];
  return sum;
}

/// Block k computes the scale of image k.
__global__ void __launch_bounds__(kThreads)
    attention_scale_of_sums(const float* shifted_sums, std::int64_t parts, const float* weight,
                            const float* bias, const float* w1, const float* w2, const float* w3, int hidden,
                            double pixels, float* scale) {
  SHARED_ARRAY(double, sums, [kTaps][kChannels]);
  SHARED_ARRAY(double, products, [kTaps][kChannels]);
  SHARED_ARRAY(double, mean, [kChannels]);
  SHARED_ARRAY(double, squeezed, [kMaxHidden]);
  const int tap = static_cast<int>(threadIdx.x) / kChannels,
            channel = static_cast<int>(threadIdx.x) % kChannels;
  sums[tap][channel] = add_parts(shifted_sums + blockIdx.x * parts * kThreads, 0, parts);
  __syncthreads();
  double product = 0;  // what this tap adds to the sum of output `channel`
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
  }
}

}  // namespace

bool takes_attended_conv(const AttendedConvProblem& p) { return p.c == kChannels && p.hidden <= kMaxHidden; }

std::size_t attended_conv_workspace(const AttendedConvProblem& p, std::int64_t parts) {
  const std::int64_t folded = parts > kMaxParts ? kMaxParts * kThreads : 0;
  return static_cast<std::size_t>(p.n * (p.c + folded));
}

template <class T>
void attention_scale(const AttendedConvProblem& p, const BasicAttendedConvArguments<T>& a, float* workspace,
                     CudaStream stream) {
  float* const scale = workspace;
  const auto images = static_cast<unsigned>(p.n);
  const float* sums = a.shifted_sums;
  std::int64_t parts = a.parts;
  if (parts > kMaxParts) {
    float* const folded = workspace + p.n * p.c;
    gpu::launch(fold_parts, dim3(static_cast<unsigned>(kMaxParts), images), kThreads, 0, stream, sums, parts,
                folded);
    sums = folded;
    parts = kMaxParts;
  }
  gpu::launch(attention_scale_of_sums, dim3(images), kThreads, 0, stream, sums, parts, a.weight, a.bias, a.w1,
              a.w2, a.w3, static_cast<int>(p.hidden), static_cast<double>(p.h * p.w), scale);
}

template <class T>
void attended_conv(const AttendedConvProblem& p, const BasicAttendedConvArguments<T>& a, float* workspace,
                   CudaStream stream) {
  attention_scale(p, a, workspace, stream);
  // The scale is positive, so scaling before the ReLU is scaling after it.
  BasicConv2dArguments<T> conv;
  conv.in = {a.in, nullptr};
  conv.weight = a.packed;
  conv.bias = a.bias;
  conv.scale = workspace;
  conv.residual = a.residual;
  conv.relu = true;
  conv.out = a.out;
  conv.shifted_sums = a.out_shifted_sums;
  conv.sums_dilation = p.next_dilation;
  conv2d(p.conv(), conv, stream);
}

template void attention_scale(const AttendedConvProblem&, const BasicAttendedConvArguments<float>&, float*,
                              CudaStream);
template void attention_scale(const AttendedConvProblem&, const BasicAttendedConvArguments<Half>&, float*,
                              CudaStream);
template void attended_conv(const AttendedConvProblem&, const BasicAttendedConvArguments<float>&, float*,
                            CudaStream);
template void attended_conv(const AttendedConvProblem&, const BasicAttendedConvArguments<Half>&, float*,
                            CudaStream);

}  // namespace sapnet::kernels::cuda
