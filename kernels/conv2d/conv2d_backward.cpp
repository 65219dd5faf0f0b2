#include "kernels/conv2d/conv2d_backward.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"

namespace sapnet::kernels {

Conv2dProblem dgrad_problem(const Conv2dProblem& p, std::size_t map) {
  Conv2dProblem dgrad = p;
  dgrad.h = p.out_h();
  dgrad.w = p.out_w();
  dgrad.in_channels = {p.out_channels, 0};
  dgrad.out_channels = p.in_channels[map];
  dgrad.padding = p.dilation * (p.kernel - 1) - p.padding;
  return dgrad;
}

void dgrad_weight(const Conv2dProblem& p, std::size_t map, const float* weight, float* reversed) {
  const std::int64_t taps = p.kernel * p.kernel, first = map == 0 ? 0 : p.in_channels[0];
  for (std::int64_t i = 0; i < p.in_channels[map]; ++i)
    for (std::int64_t o = 0; o < p.out_channels; ++o)
      for (std::int64_t tap = 0; tap < taps; ++tap)
        *reversed++ = weight[(o * p.total_in_channels() + first + i) * taps + taps - 1 - tap];
}

namespace cpu {

void conv2d_epilogue_backward(const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments& a) {
  const std::int64_t channels = p.out_channels, row = p.out_w() * channels;
  parallel_for(p.n * p.out_h(), [&](std::int64_t job) {
    const std::int64_t image = job / p.out_h();
    for (std::int64_t k = job * row; k < (job + 1) * row; k += channels) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const float dout = a.out && !(a.out[k + c] > 0) ? 0 : a.dout[k + c];
        if (a.dresidual) a.dresidual[k + c] = dout + (a.dresidual_before ? a.dresidual_before[k + c] : 0);
        float dsum = a.inner && !(a.inner[k + c] > 0) ? 0 : dout;
        if (a.scale) dsum *= a.scale[image * channels + c];
        if (a.shift) dsum += a.shift[image * channels + c];
        a.dsum[k + c] = dsum;
      }
    }
  });
}

void conv2d_scale_backward(const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments& a, double* dscale) {
  const auto channels = static_cast<std::size_t>(p.out_channels);
  const float* const inner = a.inner ? a.inner : a.out;
  std::vector<float> rows(static_cast<std::size_t>(p.n * p.out_h()) * channels);  // each row's part
  parallel_for(p.n * p.out_h(), [&](std::int64_t job) {
    float* const sum = rows.data() + static_cast<std::size_t>(job) * channels;
    const std::size_t begin = static_cast<std::size_t>(job * p.out_w()) * channels,
                      end = begin + static_cast<std::size_t>(p.out_w()) * channels;
    for (std::size_t k = begin; k < end; k += channels)
      for (std::size_t c = 0; c < channels; ++c)
        sum[c] += a.out[k + c] > 0 ? a.dout[k + c] * inner[k + c] : 0;
  });
  const float* part = rows.data();
  for (std::int64_t image = 0; image < p.n; ++image, dscale += channels) {
    std::fill_n(dscale, channels, 0.0);
    for (std::int64_t y = 0; y < p.out_h(); ++y)
      for (std::size_t c = 0; c < channels; ++c) dscale[c] += static_cast<double>(*part++);
    // `inner` holds the scaled sum. A scale that rounded to zero has no gradient either.
    for (std::size_t c = 0; c < channels; ++c) {
      const auto scale = static_cast<double>(a.scale[static_cast<std::size_t>(image) * channels + c]);
      dscale[c] = scale > 0 ? dscale[c] / scale : 0;
    }
  }
}

}  // namespace cpu
}  // namespace sapnet::kernels
