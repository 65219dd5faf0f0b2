#include "kernels/conv_lstm/conv_lstm_backward.h"
#include "kernels/elementwise.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// One hidden channel of a pixel.
struct CellBackward {
  ConvLstmBackwardArguments a;
  std::int64_t hidden;

  __device__ void operator()(std::int64_t at) const {
    const std::int64_t first = at / hidden * 4 * hidden + at % hidden;
    const float i = a.gates[first], f = a.gates[first + hidden], g = a.gates[first + 2 * hidden],
                o = a.gates[first + 3 * hidden];
    const float dh = a.dh_out ? a.dh_out[at] : 0;
    // h' = o tanh c' without a second tanh; a gate that is shut lets nothing back either.
    const float tanh_c = o > 0 ? a.h_out[at] / o : 0;
    const float dc = (a.dc_out ? a.dc_out[at] : 0) + dh * o * (1 - tanh_c * tanh_c);
    a.dgates[first] = dc * g * i * (1 - i);
    a.dgates[first + hidden] = a.c ? dc * a.c[at] * f * (1 - f) : 0;
    a.dgates[first + 2 * hidden] = dc * i * (1 - g * g);
    a.dgates[first + 3 * hidden] = dh * tanh_c * o * (1 - o);
    if (a.dc) a.dc[at] = dc * f;
  }
};

}  // namespace

void conv_lstm_backward(const ConvLstmProblem& p, const ConvLstmBackwardArguments& a, CudaStream stream) {
  gpu::for_each_element(p.n * p.h * p.w * p.hidden, stream, CellBackward{a, p.hidden});
}

}  // namespace sapnet::kernels::cuda
