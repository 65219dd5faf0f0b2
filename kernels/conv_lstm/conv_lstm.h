// A convolutional LSTM cell (Shi et al. 2015, without peepholes), 3×3, padding 1:
//
//   i, f, g, o = conv([x, h]) + bias      four gates of `hidden` channels each
//   c' = σ(f) · c + σ(i) · tanh(g),       h' = σ(o) · tanh(c')
//
// At the first step h and c are zero: pass null to skip their half of the work. Maps are NHWC, dense, fp32
// or, on a GPU, fp16; c is always fp32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

struct ConvLstmProblem {
  std::int64_t n = 1, h = 0, w = 0;
  std::int64_t in_channels = 0;    // of x
  std::int64_t hidden = 0;         // channels of h and c; a multiple of 16
  std::int64_t sums_dilation = 1;  // of the convolution that `shifted_sums` are for

  Conv2dProblem conv() const { return {n, h, w, {in_channels, hidden}, 4 * hidden, 3, 1, 1, 1}; }
};

/// T: storage type of x, h and the weights, float or, on a GPU, Half.
template <class T = float>
struct BasicConvLstmArguments {
  const T* x = nullptr;         // (n, h, w, in_channels)
  const T* h = nullptr;         // (n, h, w, hidden), or null for zero
  const float* c = nullptr;     // (n, h, w, hidden), null if and only if h is; may alias `c_out`
  const T* weight = nullptr;    // packed by pack_conv_lstm
  const float* bias = nullptr;  // (4·hidden), gates in the order i, f, g, o
  T* h_out = nullptr;           // (n, h, w, hidden); must not overlap x or h
  float* c_out = nullptr;       // (n, h, w, hidden)
  T* gates = nullptr;  // (n, h, w, 4·hidden): i, f, g, o after σ and tanh, for the backward pass; or null
  float* shifted_sums = nullptr;  // of h_out, (n, device-dependent number of partials, 9, hidden), or null;
                                  // see kernels/shifted_sums/shifted_sums.h
};
using ConvLstmArguments = BasicConvLstmArguments<>;

namespace cpu {

/// Size of the packed weights in floats.
std::size_t packed_conv_lstm_size(const ConvLstmProblem& problem, Conv2dAlgorithm algorithm);

/// weight: (4·hidden, in_channels + hidden, 3, 3), gates in the order i, f, g, o.
void pack_conv_lstm(const ConvLstmProblem& problem, Conv2dAlgorithm algorithm, const float* weight,
                    float* packed);

void conv_lstm(const ConvLstmProblem& problem, Conv2dAlgorithm algorithm, const ConvLstmArguments& arguments);

}  // namespace cpu

namespace cuda {

/// Whether a kernel supports it: 32 channels in and hidden.
bool supports_conv_lstm(const ConvLstmProblem& problem);

/// Number of partials that conv_lstm writes per image for the shifted sums.
std::int64_t conv_lstm_partials(const ConvLstmProblem& problem);

/// Number of packed weights.
std::size_t packed_conv_lstm_size(const ConvLstmProblem& problem);

/// As on the CPU, for maps of type T; all in host memory. From float to T, or from std::int32_t to
/// std::int32_t, as pack_conv2d.
template <class T, class From, class To>
void pack_conv_lstm(const ConvLstmProblem& problem, const From* weight, To* packed);

template <class T>
void conv_lstm(const ConvLstmProblem& problem, const BasicConvLstmArguments<T>& arguments, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
