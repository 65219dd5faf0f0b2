// The sums of one row; the convolutions call it while the row is still in the cache.
#if defined(SAPNET_KERNELS_ROW_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_ROW_SUMS_INL_H_
#undef SAPNET_KERNELS_ROW_SUMS_INL_H_
#else
#define SAPNET_KERNELS_ROW_SUMS_INL_H_
#endif

#include <algorithm>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// row: (w, c). out: (3, c): all columns, the first and the last min(dilation, w).
inline void sum_row(const float* HWY_RESTRICT row, std::int64_t w, std::int64_t c, std::int64_t dilation,
                    float* HWY_RESTRICT out) {
  const auto sum_columns = [&](std::int64_t channel, std::int64_t lanes, std::int64_t begin,
                               std::int64_t end) {
    V sum = hn::Zero(D());
    for (std::int64_t x = begin; x < end; ++x) sum = hn::Add(sum, load_lanes(row + x * c + channel, lanes));
    return sum;
  };
  const std::int64_t strip = std::min(dilation, w);
  for (std::int64_t channel = 0; channel < c; channel += kLanes) {
    const std::int64_t lanes = std::min(kLanes, c - channel);
    const V first = sum_columns(channel, lanes, 0, strip);
    const V last = sum_columns(channel, lanes, w - strip, w);
    // The strips overlap in a narrow map; only then is the row summed anew.
    const V all = 2 * strip <= w
                      ? hn::Add(hn::Add(first, last), sum_columns(channel, lanes, strip, w - strip))
                      : sum_columns(channel, lanes, 0, w);
    store_lanes(all, out + channel, lanes);
    store_lanes(first, out + c + channel, lanes);
    store_lanes(last, out + 2 * c + channel, lanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
