#include "kernels/conv_lstm/conv_lstm_backward.h"

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void conv_lstm_backward(const ConvLstmProblem& p, const ConvLstmBackwardArguments& a) {
  parallel_for(p.n * p.h, [&](std::int64_t row) {
    for (std::int64_t pixel = row * p.w; pixel < (row + 1) * p.w; ++pixel) {
      const std::int64_t at = pixel * p.hidden;
      const float* const gates = a.gates + 4 * at;
      float* const dgates = a.dgates + 4 * at;
      for (std::int64_t k = 0; k < p.hidden; ++k) {
        const float i = gates[k], f = gates[p.hidden + k], g = gates[2 * p.hidden + k],
                    o = gates[3 * p.hidden + k];
        const float dh = a.dh_out ? a.dh_out[at + k] : 0;
        // h' = o tanh c' without a second tanh; a gate that is shut lets nothing back either.
        const float tanh_c = o > 0 ? a.h_out[at + k] / o : 0;
        const float dc = (a.dc_out ? a.dc_out[at + k] : 0) + dh * o * (1 - tanh_c * tanh_c);
        dgates[k] = dc * g * i * (1 - i);
        dgates[p.hidden + k] = a.c ? dc * a.c[at + k] * f * (1 - f) : 0;
        dgates[2 * p.hidden + k] = dc * i * (1 - g * g);
        dgates[3 * p.hidden + k] = dh * tanh_c * o * (1 - o);
        if (a.dc) a.dc[at + k] = dc * f;
      }
    }
  });
}

}  // namespace sapnet::kernels::cpu
