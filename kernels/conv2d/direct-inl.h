// Direct convolution: the sum of the definition, tap by tap, for a few pixels and sixteen output channels at
// a time, which stay in registers.
#if defined(SAPNET_KERNELS_DIRECT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_DIRECT_INL_H_
#undef SAPNET_KERNELS_DIRECT_INL_H_
#else
#define SAPNET_KERNELS_DIRECT_INL_H_
#endif

#include <algorithm>
#include <array>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/inner_columns.h"
#include "kernels/conv2d/packing.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// kPixels neighbouring outputs of row oy from column ox on, kVectors vectors of channels from `channel` on.
/// With one pixel, taps outside the row are skipped; with more, all taps must lie inside.
template <int kPixels, int kVectors, class Store>
HWY_INLINE void direct_pixels(const Conv2dProblem& p, const std::array<const float*, 2>& in,
                              const float* HWY_RESTRICT packed, std::int64_t oy, std::int64_t ox,
                              std::int64_t channel, const Store& store) {
  V sum[kPixels][kVectors];
  SAPNET_UNROLL
  for (int i = 0; i < kPixels; ++i) {
    SAPNET_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[i][v] = hn::Zero(D());
  }
  for (std::int64_t a = 0; a < p.kernel; ++a) {
    const std::int64_t y = oy * p.stride + a * p.dilation - p.padding;
    if (y < 0 || y >= p.h) continue;
    for (std::int64_t b = 0; b < p.kernel; ++b) {
      const std::int64_t x = ox * p.stride + b * p.dilation - p.padding;
      if (kPixels == 1 && (x < 0 || x >= p.w)) continue;
      const float* HWY_RESTRICT weight = packed + (a * p.kernel + b) * p.total_in_channels() * kDirectBlock;
      for (std::size_t source = 0; source < 2 && in[source]; ++source) {  // a missing map is zero
        const std::int64_t channels = p.in_channels[source];
        const float* HWY_RESTRICT pixel = in[source] + (y * p.w + x) * channels;
        for (std::int64_t i = 0; i < channels; ++i, weight += kDirectBlock) {
          V w[kVectors];
          SAPNET_UNROLL
          for (int v = 0; v < kVectors; ++v) w[v] = hn::LoadU(D(), weight + v * kLanes);
          SAPNET_UNROLL
          for (int j = 0; j < kPixels; ++j) {
            const V value = hn::Set(D(), pixel[j * p.stride * channels + i]);
            SAPNET_UNROLL
            for (int v = 0; v < kVectors; ++v) sum[j][v] = hn::MulAdd(value, w[v], sum[j][v]);
          }
        }
      }
    }
  }
  SAPNET_UNROLL
  for (int i = 0; i < kPixels; ++i) {
    SAPNET_UNROLL
    for (int v = 0; v < kVectors; ++v) store(sum[i][v], ox + i, channel + v * kLanes);
  }
}

/// One block of at most sixteen output channels along row oy.
template <int kPixels, int kVectors, class Store>
inline void direct_block(const Conv2dProblem& p, const std::array<const float*, 2>& in, const float* packed,
                         std::int64_t oy, std::int64_t channel, const Store& store) {
  const InnerColumns inner(p);
  std::int64_t x = 0;
  for (; x < inner.begin; ++x) direct_pixels<1, kVectors>(p, in, packed, oy, x, channel, store);
  for (; x + kPixels <= inner.end; x += kPixels)
    direct_pixels<kPixels, kVectors>(p, in, packed, oy, x, channel, store);
  for (; x < p.out_w(); ++x) direct_pixels<1, kVectors>(p, in, packed, oy, x, channel, store);
}

/// Row oy of one image's output. in: the image's maps. store(V sum, x, channel) receives the sums, a vector
/// of channels at a time; lanes past the last channel hold zero.
template <class Store>
inline void direct_row(const Conv2dProblem& p, const std::array<const float*, 2>& in, const float* packed,
                       std::int64_t oy, const Store& store) {
  constexpr int kFull = static_cast<int>(kDirectBlock / kLanes);
  constexpr int kAccumulators = kManyRegisters ? 24 : 12;
  constexpr int kPixels = std::max(1, kAccumulators / std::max(2, kFull));
  for (std::int64_t channel = 0; channel < p.out_channels; channel += kDirectBlock) {
    if (p.out_channels - channel <= kLanes)
      direct_block<kAccumulators / 2, 1>(p, in, packed, oy, channel, store);
    else
      direct_block<kPixels, kFull>(p, in, packed, oy, channel, store);
    packed += p.kernel * p.kernel * p.total_in_channels() * kDirectBlock;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
