// The shifted sums of one row; the convolutions call this while the row is still in cache.
#if defined(SAPNET_KERNELS_SHIFTED_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_SHIFTED_SUMS_INL_H_
#undef SAPNET_KERNELS_SHIFTED_SUMS_INL_H_
#else
#define SAPNET_KERNELS_SHIFTED_SUMS_INL_H_
#endif

#include <algorithm>

#include "kernels/shifted_sums/shifted_sums.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// Writes the partial sums of row y of one image. in: (n, h, w, c). out: (n, h, 9, c).
inline void sum_row(const ShiftedSumsProblem& p, const float* in, std::int64_t image, std::int64_t y,
                    float* out) {
  const float* HWY_RESTRICT row = in + (image * p.h + y) * p.w * p.c;
  float* HWY_RESTRICT part = out + (image * p.h + y) * 9 * p.c;
  const auto sum_columns = [&](std::int64_t channel, std::int64_t lanes, std::int64_t begin,
                               std::int64_t end) {
    V sum = hn::Zero(D());
    for (std::int64_t x = begin; x < end; ++x) sum = hn::Add(sum, load_lanes(row + x * p.c + channel, lanes));
    return sum;
  };
  // The left taps count columns [0, w - d), the right ones [d, w). The columns between the two bounds count
  // for both, or for neither in a map narrower than 2d.
  const std::int64_t right_begin = std::min(p.dilation, p.w), left_end = p.w - right_begin;
  const std::int64_t middle_begin = std::min(right_begin, left_end);
  const std::int64_t middle_end = std::max(right_begin, left_end);
  const bool middle_counts = right_begin <= left_end;
  const bool row_counts[3] = {y < p.h - p.dilation, true, y >= p.dilation};
  for (std::int64_t channel = 0; channel < p.c; channel += kLanes) {
    const std::int64_t lanes = std::min(kLanes, p.c - channel);
    const V first = sum_columns(channel, lanes, 0, middle_begin);
    const V middle = sum_columns(channel, lanes, middle_begin, middle_end);
    const V last = sum_columns(channel, lanes, middle_end, p.w);
    const V left = middle_counts ? hn::Add(first, middle) : first;
    const V right = middle_counts ? hn::Add(middle, last) : last;
    const V all = hn::Add(hn::Add(first, middle), last);
    for (std::int64_t a = 0; a < 3; ++a) {
      const V zero = hn::Zero(D());
      float* HWY_RESTRICT taps = part + a * 3 * p.c + channel;
      store_lanes(row_counts[a] ? left : zero, taps, lanes);
      store_lanes(row_counts[a] ? all : zero, taps + p.c, lanes);
      store_lanes(row_counts[a] ? right : zero, taps + 2 * p.c, lanes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
