// The inner loops of wgrad. The Winograd version is the transpose of the forward algorithm:
//
//   forward:   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//   wgrad:     dg = Gᵀ [ (A dY Aᵀ) ⊙ (Bᵀ d B) ] G
//
// The products are summed over the tiles before Gᵀ and G are applied: for each of the 36 points, this is a
// matrix product (channels × tiles) · (tiles × outputs).
#if defined(SAPNET_KERNELS_WGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_WGRAD_INL_H_
#undef SAPNET_KERNELS_WGRAD_INL_H_
#else
#define SAPNET_KERNELS_WGRAD_INL_H_
#endif

#include "kernels/conv2d/winograd-inl.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// Vectors of `size` floats, `stride` floats apart.
struct Vectors {
  const float* data;
  std::int64_t stride, size;
};

/// A register block of kInputs × kOutputVectors of add_outer_products.
template <int kInputs, int kOutputVectors>
HWY_INLINE void add_outer_products_block(const float* HWY_RESTRICT a, std::int64_t a_stride,
                                         const float* HWY_RESTRICT b, std::int64_t b_stride,
                                         std::int64_t b_size, std::int64_t count, float* HWY_RESTRICT sums,
                                         std::int64_t sums_stride) {
  V sum[kInputs][kOutputVectors];
  SAPNET_UNROLL
  for (int i = 0; i < kInputs; ++i) {
    SAPNET_UNROLL
    for (int v = 0; v < kOutputVectors; ++v)
      sum[i][v] = load_lanes(sums + i * sums_stride + v * kLanes, b_size - v * kLanes);
  }
  for (std::int64_t t = 0; t < count; ++t, a += a_stride, b += b_stride) {
    V factor[kOutputVectors];
    SAPNET_UNROLL
    for (int v = 0; v < kOutputVectors; ++v) factor[v] = load_lanes(b + v * kLanes, b_size - v * kLanes);
    SAPNET_UNROLL
    for (int i = 0; i < kInputs; ++i) {
      const V value = hn::Set(D(), a[i]);
      SAPNET_UNROLL
      for (int v = 0; v < kOutputVectors; ++v) sum[i][v] = hn::MulAdd(value, factor[v], sum[i][v]);
    }
  }
  SAPNET_UNROLL
  for (int i = 0; i < kInputs; ++i) {
    SAPNET_UNROLL
    for (int v = 0; v < kOutputVectors; ++v)
      store_lanes(sum[i][v], sums + i * sums_stride + v * kLanes, b_size - v * kLanes);
  }
}

/// sums[i, o] += Σ_t a[t][i] · b[t][o], where the rows of sums are sums_stride apart.
HWY_INLINE void add_outer_products(const Vectors& a, const Vectors& b, std::int64_t count, float* sums,
                                   std::int64_t sums_stride) {
  constexpr int kInputs = kManyRegisters ? 8 : 4;
  const auto all_inputs = [&]<int kOutputVectors>(std::int64_t o) {
    std::int64_t i = 0;
    const auto block = [&]<int kCount>() {
      add_outer_products_block<kCount, kOutputVectors>(a.data + i, a.stride, b.data + o, b.stride, b.size - o,
                                                       count, sums + i * sums_stride + o, sums_stride);
      i += kCount;
    };
    while (i + kInputs <= a.size) block.template operator()<kInputs>();
    while (i + 3 <= a.size) block.template operator()<3>();  // RGB
    while (i < a.size) block.template operator()<1>();
  };
  std::int64_t o = 0;
  for (; o + kLanes < b.size; o += 2 * kLanes) all_inputs.template operator()<2>(o);
  if (o < b.size) all_inputs.template operator()<1>(o);
}

/// A y.
HWY_INLINE void winograd_gradient(const V (&y)[4], V (&m)[6]) {
  const D tag;
  const V two = hn::Set(tag, 2.0F), four = hn::Set(tag, 4.0F), eight = hn::Set(tag, 8.0F);
  const V even = hn::Add(y[0], y[2]), odd = hn::Add(y[1], y[3]);
  const V even4 = hn::MulAdd(four, y[2], y[0]), odd8 = hn::MulAdd(eight, y[3], hn::Mul(two, y[1]));
  m[0] = y[0];
  m[1] = hn::Add(even, odd);
  m[2] = hn::Sub(even, odd);
  m[3] = hn::Add(even4, odd8);
  m[4] = hn::Sub(even4, odd8);
  m[5] = y[3];
}

/// Transforms grad_preactivation (h, w, channels) for the tile whose first output is (y0, x0), in the layout
/// of transform_tile.
HWY_INLINE void transform_gradient(const WinogradJob& job, const float* grad_preactivation,
                                   std::int64_t channels, std::int64_t x0, std::int64_t tile,
                                   float* HWY_RESTRICT transformed) {
  alignas(64) static constexpr float kZeros[kWinogradChunk] = {};
  for (std::int64_t first = 0; first < channels; first += kWinogradChunk) {
    const float* pixel[4][4];  // outputs outside the map have no gradient
    for (int r = 0; r < 4; ++r) {
      for (int s = 0; s < 4; ++s) {
        const std::int64_t y = job.y0 + r * job.dilation, x = x0 + s * job.dilation;
        pixel[r][s] =
            y < job.h && x < job.w ? grad_preactivation + (y * job.w + x) * channels + first : kZeros;
      }
    }
    for (std::int64_t c = 0; c < kWinogradChunk; c += kLanes) {
      V rows[4][6];
      for (int r = 0; r < 4; ++r) {
        V row[4];
        SAPNET_UNROLL
        for (int s = 0; s < 4; ++s) row[s] = hn::LoadU(D(), pixel[r][s] + c);
        winograd_gradient(row, rows[r]);
      }
      for (int s = 0; s < 6; ++s) {
        V column[4], points[6];
        SAPNET_UNROLL
        for (int r = 0; r < 4; ++r) column[r] = rows[r][s];
        winograd_gradient(column, points);
        SAPNET_UNROLL
        for (int r = 0; r < 6; ++r) {
          const std::int64_t point = (r * 6 + s) * point_stride(channels);
          hn::Store(points[r], D(), transformed + point + first * kTileBatch + tile * kWinogradChunk + c);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
