// A convolutional LSTM cell (Shi et al. 2015, without peepholes), 3×3, padding 1:
//
//   i, f, g, o = conv([x, h]) + bias      four gates of `hidden` channels each
//   c' = σ(f) · c + σ(i) · tanh(g),       h' = σ(o) · tanh(c')
//
// At the first step h and c are zero: pass null to skip their half of the work. Maps are NHWC, dense, fp32
// or, on a GPU, fp16; c is always fp32.
//
// The backward pass ends at the gate preactivations; i, f, g, o are the gates after σ and tanh:
//
//   dc' = dc_out + dh · o (1 - tanh²c')
//   di = dc' g · i (1 - i),   df = dc' c · f (1 - f),   dg = dc' i · (1 - g²),   do = dh tanh c' · o (1 - o)
//   dc = dc' f
//
// dgates then goes through the backward pass of a plain convolution (conv2d.h).
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

struct ConvLstmProblem {
  std::int64_t n = 1, h = 0, w = 0;
  std::int64_t in_channels = 0;                          // of x
  std::int64_t hidden = 0;                               // channels of h and c; a multiple of 16
  std::int64_t sums_dilation = 1;                        // of the convolution that `shifted_sums` are for
  Conv2dAlgorithm algorithm = Conv2dAlgorithm::kDirect;  // as in Conv2dProblem

  Conv2dProblem conv() const {
    return {n, h, w, {in_channels, hidden}, 4 * hidden, 3, 1, 1, 1, 1, algorithm};
  }
};

/// T: storage type of x, h and the weights, float or, on a GPU, Half.
template <class T = float>
struct ConvLstmArguments {
  const T* x = nullptr;         // (n, h, w, in_channels)
  const T* h = nullptr;         // (n, h, w, hidden), or null for zero
  const float* c = nullptr;     // (n, h, w, hidden), null if and only if h is; may alias `c_out`
  const T* weight = nullptr;    // packed by pack_conv_lstm
  const float* bias = nullptr;  // (4·hidden), gates in the order i, f, g, o
  T* h_out = nullptr;           // (n, h, w, hidden); must not overlap x or h
  float* c_out = nullptr;       // (n, h, w, hidden)
  T* gates = nullptr;  // (n, h, w, 4·hidden): i, f, g, o after σ and tanh, for the backward pass; or null
  float* shifted_sums = nullptr;  // of h_out, (n, conv2d_partials(context, problem.conv()), 9, hidden), or
                                  // null; see kernels/shifted_sums/shifted_sums.h

  static auto arrays(auto& a) {
    return std::tie(a.x, a.h, a.c, a.weight, a.bias, a.h_out, a.c_out, a.gates, a.shifted_sums);
  }
};

/// T: as above; the cell state is always fp32.
template <class T = float>
struct ConvLstmBackwardArguments {
  const T* gates = nullptr;       // (n, h, w, 4·hidden), as conv_lstm wrote them
  const float* c = nullptr;       // (n, h, w, hidden), the previous cell state; null for zero
  const T* h_out = nullptr;       // (n, h, w, hidden)
  const T* dh_out = nullptr;      // (n, h, w, hidden), or null for zero
  const float* dc_out = nullptr;  // (n, h, w, hidden), or null for zero
  T* dgates = nullptr;            // (n, h, w, 4·hidden), of the preactivations; may alias `gates`
  float* dc = nullptr;            // (n, h, w, hidden), or null; may alias `dc_out`

  static auto arrays(auto& a) { return std::tie(a.gates, a.c, a.h_out, a.dh_out, a.dc_out, a.dgates, a.dc); }
};

namespace cpu {

/// Whether the kernel supports the problem.
inline bool supports_conv_lstm(const Context& /*context*/, const ConvLstmProblem& /*problem*/) {
  return true;
}

/// weight: (4·hidden, in_channels + hidden, 3, 3), gates in the order i, f, g, o. packed: as many as
/// packed_conv2d_size(context, problem.conv()).
void pack_conv_lstm(const Context& context, const ConvLstmProblem& problem, const float* weight,
                    float* packed);

void conv_lstm(const Context& context, const ConvLstmProblem& problem, const ConvLstmArguments<>& arguments);

void conv_lstm_backward(const Context& context, const ConvLstmProblem& problem,
                        const ConvLstmBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

/// Whether the kernel supports the problem: 32 input and 32 hidden channels.
bool supports_conv_lstm(const Context& context, const ConvLstmProblem& problem);

/// As on the CPU, for maps of type T; all in host memory.
template <class T>
void pack_conv_lstm(const Context& context, const ConvLstmProblem& problem, const float* weight, T* packed);

/// The same for the indices of weights, as pack_conv2d_indices.
template <class T>
void pack_conv_lstm_indices(const ConvLstmProblem& problem, const std::int32_t* indices,
                            std::int32_t* packed);

template <class T>
void conv_lstm(const Context& context, const ConvLstmProblem& problem, const ConvLstmArguments<T>& arguments);

template <class T>
void conv_lstm_backward(const Context& context, const ConvLstmProblem& problem,
                        const ConvLstmBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
