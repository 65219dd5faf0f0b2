#include "kernels/conv_lstm/conv_lstm.h"
#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_lstm/conv_lstm_backward.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// Loads a vector of channels completely before storing, so that dgates may alias the gates.
void conv_lstm_backward_row(const ConvLstmProblem& p, const ConvLstmBackwardArguments<>& a,
                            std::int64_t row) {
  const V zero = hn::Zero(D()), one = hn::Set(D(), 1.0F);
  for (std::int64_t pixel = row * p.w; pixel < (row + 1) * p.w; ++pixel) {
    for (std::int64_t k = 0; k < p.hidden; k += kLanes) {
      const std::int64_t lanes = p.hidden - k, at = pixel * p.hidden + k;
      const std::int64_t gate_at = 4 * pixel * p.hidden + k;
      const auto gate = [&](std::int64_t number) {
        return load_lanes(a.gates + gate_at + number * p.hidden, lanes);
      };
      const auto given = [&](const float* map) { return map ? load_lanes(map + at, lanes) : zero; };
      const auto keep = [&](std::int64_t number, V value) {
        store_lanes(value, a.dgates + gate_at + number * p.hidden, lanes);
      };
      const V i = gate(0), f = gate(1), g = gate(2), o = gate(3), c = given(a.c), dh = given(a.dh_out);
      // Recovers tanh c' from h' = o tanh c' without another tanh; where o is zero there is no gradient
      // either.
      const V tanh_c = hn::IfThenElseZero(hn::Gt(o, zero), hn::Div(given(a.h_out), o));
      const V dc = hn::MulAdd(hn::Mul(dh, o), hn::NegMulAdd(tanh_c, tanh_c, one), given(a.dc_out));
      const auto through_sigmoid = [&](V gradient, V s) {
        return hn::Mul(hn::Mul(gradient, s), hn::Sub(one, s));
      };
      keep(0, through_sigmoid(hn::Mul(dc, g), i));
      keep(1, through_sigmoid(hn::Mul(dc, c), f));
      keep(2, hn::Mul(hn::Mul(dc, i), hn::NegMulAdd(g, g, one)));
      keep(3, through_sigmoid(hn::Mul(dh, tanh_c), o));
      if (a.dc) store_lanes(hn::Mul(dc, f), a.dc + at, lanes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {

HWY_EXPORT(conv_lstm_backward_row);

void conv_lstm_backward(const Context& /*context*/, const ConvLstmProblem& problem,
                        const ConvLstmBackwardArguments<>& arguments) {
  parallel_for(problem.n * problem.h, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(conv_lstm_backward_row)(problem, arguments, row);
  });
}

}  // namespace sapnet::kernels::cpu
#endif
