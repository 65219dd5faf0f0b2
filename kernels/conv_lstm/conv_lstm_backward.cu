#include "kernels/conv_lstm/conv_lstm.h"
#include "kernels/elementwise.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// One hidden channel of a pixel.
template <class T>
struct CellBackward {
  ConvLstmBackwardArguments<T> a;
  std::int64_t hidden;

  __device__ void operator()(std::int64_t at) const {
    const std::int64_t first = at / hidden * 4 * hidden + at % hidden;
    const auto gate = [&](int k) { return gpu::to_float(a.gates[first + k * hidden]); };
    const float i = gate(0), f = gate(1), g = gate(2), o = gate(3);
    const float dh = a.dh_out ? gpu::to_float(a.dh_out[at]) : 0;
    // Recovers tanh c' from h' = o tanh c' without another tanh; where o is zero there is no gradient either.
    const float tanh_c = o > 0 ? gpu::to_float(a.h_out[at]) / o : 0;
    const float dc = (a.dc_out ? a.dc_out[at] : 0) + dh * o * (1 - tanh_c * tanh_c);
    const auto store = [&](int k, float value) { a.dgates[first + k * hidden] = gpu::from_float<T>(value); };
    store(0, dc * g * i * (1 - i));
    store(1, a.c ? dc * a.c[at] * f * (1 - f) : 0);
    store(2, dc * i * (1 - g * g));
    store(3, dh * tanh_c * o * (1 - o));
    if (a.dc) a.dc[at] = dc * f;
  }
};

}  // namespace

template <class T>
void conv_lstm_backward(const Context& context, const ConvLstmProblem& p,
                        const ConvLstmBackwardArguments<T>& a) {
  gpu::for_each_element(p.n * p.h * p.w * p.hidden, context.stream, CellBackward<T>{a, p.hidden});
}

SAPNET_INSTANTIATE(conv_lstm_backward, const ConvLstmProblem&, ConvLstmBackwardArguments);

}  // namespace sapnet::kernels::cuda
