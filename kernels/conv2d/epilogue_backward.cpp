// The backward pass of the function f of conv2d.h. Memory-bound.
#include <algorithm>
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/epilogue_backward.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// `gradient` where the map at p is positive, else 0; `lanes` values are valid.
HWY_INLINE V where_positive(const float* p, std::int64_t lanes, V gradient) {
  return hn::IfThenElseZero(hn::Gt(load_lanes(p, lanes), hn::Zero(D())), gradient);
}

/// Processes row `job`, counting the rows of all images.
void epilogue_backward_row(const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments<>& a,
                           std::int64_t job) {
  const std::int64_t channels = p.out_channels, row = p.out_w() * channels;
  const std::int64_t image = job / p.out_h();
  for (std::int64_t k = job * row; k < (job + 1) * row; k += channels) {
    for (std::int64_t c = 0; c < channels; c += kLanes) {
      const std::int64_t lanes = channels - c;
      V dout = load_lanes(a.dout + k + c, lanes);
      if (a.out) dout = where_positive(a.out + k + c, lanes, dout);
      if (a.dresidual) {
        const V before = a.dresidual_before ? load_lanes(a.dresidual_before + k + c, lanes) : hn::Zero(D());
        store_lanes(hn::Add(dout, before), a.dresidual + k + c, lanes);
      }
      V grad_preactivation = a.pre_residual ? where_positive(a.pre_residual + k + c, lanes, dout) : dout;
      if (a.scale)
        grad_preactivation = hn::Mul(grad_preactivation, load_lanes(a.scale + image * channels + c, lanes));
      if (a.shift)
        grad_preactivation = hn::Add(grad_preactivation, load_lanes(a.shift + image * channels + c, lanes));
      store_lanes(grad_preactivation, a.grad_preactivation + k + c, lanes);
    }
  }
}

/// sum[o] = Σ_x dout · [out > 0] · pre_residual over row `job`.
void scale_backward_row(const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments<>& a, std::int64_t job,
                        float* sum) {
  const std::int64_t channels = p.out_channels, row = p.out_w() * channels;
  const float* const pre_residual = a.pre_residual ? a.pre_residual : a.out;
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    const std::int64_t lanes = channels - c;
    V total = hn::Zero(D());
    for (std::int64_t k = job * row + c; k < (job + 1) * row; k += channels)
      total = hn::Add(
          total, where_positive(a.out + k, lanes,
                                hn::Mul(load_lanes(a.dout + k, lanes), load_lanes(pre_residual + k, lanes))));
    store_lanes(total, sum + c, lanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {
namespace {

HWY_EXPORT(epilogue_backward_row);
HWY_EXPORT(scale_backward_row);

}  // namespace

void conv2d_epilogue_backward(const Context& /*context*/, const Conv2dProblem& p,
                              const Conv2dEpilogueBackwardArguments<>& a) {
  parallel_for(p.n * p.out_h(), [&](std::int64_t job) {
    HWY_DYNAMIC_DISPATCH(epilogue_backward_row)(p, a, job);
  });
}

void conv2d_scale_backward(const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments<>& a,
                           double* dscale) {
  const auto channels = static_cast<std::size_t>(p.out_channels);
  std::vector<float> rows(static_cast<std::size_t>(p.n * p.out_h()) * channels);  // one partial sum per row
  parallel_for(p.n * p.out_h(), [&](std::int64_t job) {
    HWY_DYNAMIC_DISPATCH(scale_backward_row)
    (p, a, job, rows.data() + static_cast<std::size_t>(job) * channels);
  });
  const float* part = rows.data();
  for (std::int64_t image = 0; image < p.n; ++image, dscale += channels) {
    std::fill_n(dscale, channels, 0.0);
    for (std::int64_t y = 0; y < p.out_h(); ++y)
      for (std::size_t c = 0; c < channels; ++c) dscale[c] += static_cast<double>(*part++);
    // `pre_residual` holds the scaled value. A scale that underflowed to zero has no gradient.
    for (std::size_t c = 0; c < channels; ++c) {
      const auto scale = static_cast<double>(a.scale[static_cast<std::size_t>(image) * channels + c]);
      dscale[c] = scale > 0 ? dscale[c] / scale : 0;
    }
  }
}

}  // namespace sapnet::kernels::cpu
#endif
