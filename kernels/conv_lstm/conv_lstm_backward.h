// The backward pass of the cell of conv_lstm.h, down to the gate preactivations; i, f, g, o are the gates
// after σ and tanh:
//
//   dc' = dc_out + dh · o (1 - tanh²c')
//   di = dc' g · i (1 - i),   df = dc' c · f (1 - f),   dg = dc' i · (1 - g²),   do = dh tanh c' · o (1 - o)
//   dc = dc' f
//
// dgates then goes through the backward pass of a plain convolution (conv2d_backward.h).
#pragma once

#include "kernels/conv_lstm/conv_lstm.h"

namespace sapnet::kernels {

/// T: storage type of the maps, float or, on a GPU, Half; the cell state is always fp32.
template <class T = float>
struct BasicConvLstmBackwardArguments {
  const T* gates = nullptr;       // (n, h, w, 4·hidden), as conv_lstm wrote them
  const float* c = nullptr;       // (n, h, w, hidden), the previous cell state; null for zero
  const T* h_out = nullptr;       // (n, h, w, hidden)
  const T* dh_out = nullptr;      // (n, h, w, hidden), or null for zero
  const float* dc_out = nullptr;  // (n, h, w, hidden), or null for zero
  T* dgates = nullptr;            // (n, h, w, 4·hidden), of the preactivations; may alias `gates`
  float* dc = nullptr;            // (n, h, w, hidden), or null; may alias `dc_out`
};
using ConvLstmBackwardArguments = BasicConvLstmBackwardArguments<>;

namespace cpu {

void conv_lstm_backward(const ConvLstmProblem& problem, const ConvLstmBackwardArguments& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void conv_lstm_backward(const ConvLstmProblem& problem, const BasicConvLstmBackwardArguments<T>& arguments,
                        CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
