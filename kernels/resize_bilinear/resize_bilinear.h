// Bilinear resizing with PyTorch's align_corners=False:
//
//   out[n, y, x, c] = Σ_{v,u} W_h(y, v) W_w(x, u) in[n, v, u, c] [+ residual[n, y, x, c]]
//   din[n, v, u, c] = Σ_{y,x} W_h(y, v) W_w(x, u) dout[n, y, x, c]
//
// where W (taps.h) are the interpolation weights of the two inputs next to an output's centre. The residual's
// gradient is dout. Maps are NHWC, dense, fp32 or, on a GPU, fp16.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct ResizeProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;  // of the input
  std::int64_t out_h = 0, out_w = 0;        // may be larger or smaller
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct ResizeArguments {
  const T* in = nullptr;        // (n, h, w, c)
  const T* residual = nullptr;  // (n, out_h, out_w, c), or null; may alias `out`
  T* out = nullptr;             // (n, out_h, out_w, c); must not alias `in`

  static auto arrays(auto& a) { return std::tie(a.in, a.residual, a.out); }
};

template <class T = float>
struct ResizeBackwardArguments {
  const T* dout = nullptr;  // (n, out_h, out_w, c)
  T* din = nullptr;         // (n, h, w, c); must not alias `dout`

  static auto arrays(auto& a) { return std::tie(a.dout, a.din); }
};

namespace cpu {

void resize_bilinear(const Context& context, const ResizeProblem& problem,
                     const ResizeArguments<>& arguments);

void resize_bilinear_backward(const Context& context, const ResizeProblem& problem,
                              const ResizeBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

// Both accumulate in fp32.

template <class T>
void resize_bilinear(const Context& context, const ResizeProblem& problem,
                     const ResizeArguments<T>& arguments);

template <class T>
void resize_bilinear_backward(const Context& context, const ResizeProblem& problem,
                              const ResizeBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
