// Direct convolution, tap by tap, for a register block of a few pixels and output channels at a time.
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

/// The sums of kPixels adjacent outputs of row oy from column ox on, kVectors vectors of channels each. With
/// one pixel, taps outside the row are skipped; with more, all taps must lie inside. Not inlined, because
/// compilers would spill some of the sums.
template <int kPixels, int kVectors>
HWY_NOINLINE void direct_sums(const Conv2dProblem& p, const std::array<const float*, 2>& in,
                              const float* HWY_RESTRICT packed, std::int64_t oy, std::int64_t ox,
                              float* HWY_RESTRICT sums) {
  V sum[kPixels][kVectors];
  SAPNET_UNROLL
  for (int j = 0; j < kPixels; ++j) {
    SAPNET_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[j][v] = hn::Zero(D());
  }
  for (std::int64_t a = 0; a < p.kernel; ++a) {
    const std::int64_t y = oy * p.stride + a * p.dilation - p.padding;
    if (y < 0 || y >= p.h) continue;
    for (std::int64_t b = 0; b < p.kernel; ++b) {
      const std::int64_t x = ox * p.stride + b * p.dilation - p.padding;
      if (kPixels == 1 && (x < 0 || x >= p.w)) continue;
      const float* HWY_RESTRICT weight = packed + (a * p.kernel + b) * p.total_in_channels() * kDirectBlock;
      for (std::size_t source = 0; source < 2 && in[source]; ++source) {  // a null map is zero
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
  for (int j = 0; j < kPixels; ++j) {
    SAPNET_UNROLL
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[j][v], D(), sums + (j * kVectors + v) * kLanes);
  }
}

template <int kPixels, int kVectors, class Store>
inline void direct_pixels(const Conv2dProblem& p, const std::array<const float*, 2>& in, const float* packed,
                          std::int64_t oy, std::int64_t ox, std::int64_t channel, const Store& store) {
  float sums[kPixels * kVectors * kLanes];
  direct_sums<kPixels, kVectors>(p, in, packed, oy, ox, sums);
  for (int j = 0; j < kPixels; ++j)
    for (int v = 0; v < kVectors; ++v)
      store(hn::LoadU(D(), sums + (j * kVectors + v) * kLanes), ox + j, channel + v * kLanes);
}

/// Outputs [x, end), all of whose taps lie inside the row, in register blocks of decreasing size.
template <int kPixels, int kVectors, class Store>
inline void direct_inner(const Conv2dProblem& p, const std::array<const float*, 2>& in, const float* packed,
                         std::int64_t oy, std::int64_t x, std::int64_t end, std::int64_t channel,
                         const Store& store) {
  for (; x + kPixels <= end; x += kPixels)
    direct_pixels<kPixels, kVectors>(p, in, packed, oy, x, channel, store);
  if constexpr (kPixels > 1) {
    if (x < end) direct_inner<kPixels / 2, kVectors>(p, in, packed, oy, x, end, channel, store);
  }
}

/// kVectors vectors of output channels for columns [x, end) of row oy.
template <int kPixels, int kVectors, class Store>
inline void direct_channels(const Conv2dProblem& p, const std::array<const float*, 2>& in,
                            const float* packed, std::int64_t oy, std::int64_t x, std::int64_t end,
                            std::int64_t channel, const Store& store) {
  const InnerColumns inner(p);
  const std::int64_t inner_end = std::min(inner.end, end);
  for (; x < std::min(inner.begin, end); ++x)
    direct_pixels<1, kVectors>(p, in, packed, oy, x, channel, store);
  direct_inner<kPixels, kVectors>(p, in, packed, oy, x, inner_end, channel, store);
  for (x = std::max(x, inner_end); x < end; ++x)
    direct_pixels<1, kVectors>(p, in, packed, oy, x, channel, store);
}

/// Columns [x, end) of row oy of one image's output. in: the image's maps. store(V sum, x, channel) receives
/// the sums, one vector of channels at a time; lanes past the last channel are zero.
template <class Store>
inline void direct_row(const Conv2dProblem& p, const std::array<const float*, 2>& in, const float* packed,
                       std::int64_t oy, std::int64_t x, std::int64_t end, const Store& store) {
  constexpr int kVectors = static_cast<int>(std::min<std::int64_t>(4, kDirectBlock / kLanes));
  constexpr int kAccumulators = kManyRegisters ? 24 : 12;
  for (std::int64_t first = 0; first < p.out_channels; first += kDirectBlock) {
    const std::int64_t channels = std::min(kDirectBlock, p.out_channels - first);
    for (std::int64_t k = 0; k < channels; k += kVectors * kLanes) {
      if (channels - k <= kLanes)
        direct_channels<kAccumulators / 2, 1>(p, in, packed + k, oy, x, end, first + k, store);
      else
        direct_channels<kAccumulators / kVectors, kVectors>(p, in, packed + k, oy, x, end, first + k, store);
    }
    packed += p.kernel * p.kernel * p.total_in_channels() * kDirectBlock;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
