// Direct convolution to the three channels of an RGB image. Vectors of output channels would be mostly empty,
// so vectors hold input channels here, and the lanes of each sum are reduced at the end.
#if defined(SAPNET_KERNELS_RGB_OUTPUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_RGB_OUTPUT_INL_H_
#undef SAPNET_KERNELS_RGB_OUTPUT_INL_H_
#else
#define SAPNET_KERNELS_RGB_OUTPUT_INL_H_
#endif

#include <array>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/inner_columns.h"
#include "kernels/conv2d/packing.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// kPixels adjacent outputs of row oy from column ox on. With one pixel, taps outside the row are skipped;
/// with more, all taps must lie inside.
template <int kPixels, class Store>
HWY_INLINE void rgb_pixels(const Conv2dProblem& p, const std::array<const float*, 2>& in,
                           const float* HWY_RESTRICT packed, std::int64_t oy, std::int64_t ox,
                           const Store& store) {
  V sum[kPixels][kRgbChannels];
  SAPNET_UNROLL
  for (int j = 0; j < kPixels; ++j) {
    SAPNET_UNROLL
    for (int o = 0; o < kRgbChannels; ++o) sum[j][o] = hn::Zero(D());
  }
  const std::int64_t filter = p.total_in_channels();
  for (std::int64_t a = 0; a < p.kernel; ++a) {
    const std::int64_t y = oy * p.stride + a * p.dilation - p.padding;
    if (y < 0 || y >= p.h) continue;
    for (std::int64_t b = 0; b < p.kernel; ++b) {
      const std::int64_t x = ox * p.stride + b * p.dilation - p.padding;
      if (kPixels == 1 && (x < 0 || x >= p.w)) continue;
      const float* HWY_RESTRICT weight = packed + (a * p.kernel + b) * kRgbChannels * filter;
      for (std::size_t source = 0; source < 2 && in[source]; ++source) {  // a null map is zero
        const std::int64_t channels = p.in_channels[source];
        const float* HWY_RESTRICT pixel = in[source] + (y * p.w + x) * channels;
        for (std::int64_t i = 0; i < channels; i += kLanes, weight += kLanes) {
          V w[kRgbChannels];
          SAPNET_UNROLL
          for (int o = 0; o < kRgbChannels; ++o) w[o] = hn::LoadU(D(), weight + o * filter);
          SAPNET_UNROLL
          for (int j = 0; j < kPixels; ++j) {
            const V value = hn::LoadU(D(), pixel + j * p.stride * channels + i);
            SAPNET_UNROLL
            for (int o = 0; o < kRgbChannels; ++o) sum[j][o] = hn::MulAdd(value, w[o], sum[j][o]);
          }
        }
      }
    }
  }
  SAPNET_UNROLL
  for (int j = 0; j < kPixels; ++j) {
    SAPNET_UNROLL
    for (std::int64_t first = 0; first < kRgbChannels; first += kLanes) {
      V colours = hn::Zero(D());
      SAPNET_UNROLL
      for (std::int64_t o = std::min<std::int64_t>(first + kLanes, kRgbChannels) - 1; o >= first; --o)
        colours = hn::IfThenElse(first_lanes(D(), o - first + 1), hn::SumOfLanes(D(), sum[j][o]), colours);
      store(colours, ox + j, first);
    }
  }
}

/// Row oy of one image's output. in: the image's maps. store(V sum, x, channel) receives the sums, one vector
/// of channels at a time; lanes past the last channel are zero.
template <class Store>
inline void rgb_row(const Conv2dProblem& p, const std::array<const float*, 2>& in, const float* packed,
                    std::int64_t oy, const Store& store) {
  constexpr int kPixels = kManyRegisters ? 8 : 4;
  const InnerColumns inner(p);
  std::int64_t x = 0;
  for (; x < inner.begin; ++x) rgb_pixels<1>(p, in, packed, oy, x, store);
  for (; x + kPixels <= inner.end; x += kPixels) rgb_pixels<kPixels>(p, in, packed, oy, x, store);
  for (; x < p.out_w(); ++x) rgb_pixels<1>(p, in, packed, oy, x, store);
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
