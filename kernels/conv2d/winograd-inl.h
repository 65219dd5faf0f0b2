// Winograd convolution F(4×4, 3×3) (Lavin & Gray 2015). It computes a tile of 4×4 outputs from 6×6 inputs
// with 36 multiplications per pair of channels instead of 144:
//
//   Y = Aᵀ [ Σ_i (G g_i Gᵀ) ⊙ (Bᵀ d_i B) ] A
//
// For each of the 36 points, the sum over input channels is a matrix product (tiles × channels) · (channels ×
// outputs). With dilation d a tile takes every d-th row and column: the map splits into d × d grids, and each
// is convolved without dilation.
#if defined(SAPNET_KERNELS_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_WINOGRAD_INL_H_
#undef SAPNET_KERNELS_WINOGRAD_INL_H_
#else
#define SAPNET_KERNELS_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <array>

#include "kernels/conv2d/packing.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/scratch.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// Tiles per register block: as many as fit with two vectors of outputs each.
inline constexpr int kTileBlock = kManyRegisters ? 14 : 6;
/// Tiles transformed before they are multiplied: many, to amortise reading the weights, but few enough for
/// the L2.
inline constexpr int kTileBatch = kManyRegisters ? 28 : 24;

/// Floats between one point's matrix and the next: one cache line of padding, because a tile accesses the
/// same row of all 36, which at a power-of-two distance would fall into few sets of the L1.
constexpr std::int64_t point_stride(std::int64_t row, std::int64_t batch = kTileBatch) {
  return batch * row + 16;
}

struct Span {
  int begin, end;
};

/// Prefetches `count` of `channels` channels from `map`, in these rows and columns of the tile whose first
/// output is (y0, x0). The accesses of a tile, a few pixels in each of many rows, defeat hardware
/// prefetchers. Callers must be inlined too, because compilers drop calls to functions that only prefetch.
HWY_INLINE void prefetch_tile(const WinogradJob& job, std::int64_t x0, Span rows, Span columns,
                              const float* map, std::int64_t channels, std::int64_t count) {
  constexpr std::int64_t kCacheLine = 16;
  for (int r = rows.begin; r < rows.end; ++r) {
    const std::int64_t y = job.y0 + r * job.dilation;
    if (y < 0 || y >= job.h) continue;
    for (int s = columns.begin; s < columns.end; ++s) {
      const std::int64_t x = x0 + s * job.dilation;
      if (x >= job.w) break;
      for (std::int64_t c = 0; c < count; c += kCacheLine)
        hwy::Prefetch(map + (y * job.w + x) * channels + c);
    }
  }
}

HWY_INLINE void prefetch_outputs(const WinogradJob& job, std::int64_t x0, const float* map,
                                 std::int64_t channels, std::int64_t count) {
  prefetch_tile(job, x0, {0, 4}, {0, 4}, map, channels, count);
}

/// Prefetches only the columns that the tile to the left has not read.
HWY_INLINE void prefetch_inputs(const WinogradJob& job, std::int64_t x0) {
  for (std::size_t source = 0; source < 2 && job.in_channels[source] > 0; ++source)
    prefetch_tile(job, x0, {-1, 5}, {1, 5}, job.in[source], job.in_channels[source], job.in_channels[source]);
}

/// Bᵀ d, in place.
HWY_INLINE void winograd_input(V (&d)[6]) {
  const D tag;
  const V two = hn::Set(tag, 2.0F), four = hn::Set(tag, 4.0F), five = hn::Set(tag, 5.0F);
  const V even = hn::NegMulAdd(four, d[2], d[4]), odd = hn::NegMulAdd(four, d[1], d[3]);
  const V even2 = hn::Sub(d[4], d[2]), odd2 = hn::Sub(d[3], d[1]);
  d[0] = hn::MulAdd(four, d[0], hn::NegMulAdd(five, d[2], d[4]));
  d[5] = hn::MulAdd(four, d[1], hn::NegMulAdd(five, d[3], d[5]));
  d[1] = hn::Add(even, odd);
  d[2] = hn::Sub(even, odd);
  d[3] = hn::MulAdd(two, odd2, even2);
  d[4] = hn::NegMulAdd(two, odd2, even2);
}

/// Aᵀ m.
HWY_INLINE void winograd_output(const V (&m)[6], V (&y)[4]) {
  const D tag;
  const V sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[1], m[2]);
  const V sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
  y[0] = hn::Add(hn::Add(m[0], sum1), sum2);
  y[1] = hn::MulAdd(hn::Set(tag, 2.0F), difference2, difference1);
  y[2] = hn::MulAdd(hn::Set(tag, 4.0F), sum2, sum1);
  y[3] = hn::Add(hn::MulAdd(hn::Set(tag, 8.0F), difference2, difference1), m[5]);
}

/// Transforms the tile whose first output is (y0, x0) into row `tile` of each point's matrix. transformed:
/// (36, chunks, batch, 32), with the points point_stride apart.
HWY_INLINE void transform_tile(const WinogradJob& job, std::int64_t x0, std::int64_t tile,
                               float* HWY_RESTRICT transformed) {
  alignas(64) static constexpr float kZeros[kWinogradChunk] = {};
  const std::int64_t chunks = (job.in_channels[0] + job.in_channels[1]) / kWinogradChunk;
  std::int64_t chunk = 0;
  for (std::size_t source = 0; source < 2; ++source) {
    const std::int64_t channels = job.in_channels[source];
    for (std::int64_t first = 0; first < channels; first += kWinogradChunk, ++chunk) {
      const float* pixel[6][6];  // pixels outside the map are zero
      for (int r = 0; r < 6; ++r) {
        const std::int64_t y = job.y0 + (r - 1) * job.dilation;
        for (int s = 0; s < 6; ++s) {
          const std::int64_t x = x0 + (s - 1) * job.dilation;
          const bool inside = y >= 0 && y < job.h && x >= 0 && x < job.w;
          pixel[r][s] = inside ? job.in[source] + (y * job.w + x) * channels + first : kZeros;
        }
      }
      for (std::int64_t c = 0; c < kWinogradChunk; c += kLanes) {
        V rows[6][6];
        for (int r = 0; r < 6; ++r) {
          SAPNET_UNROLL
          for (int s = 0; s < 6; ++s) rows[r][s] = hn::LoadU(D(), pixel[r][s] + c);
          winograd_input(rows[r]);
        }
        for (int s = 0; s < 6; ++s) {
          V column[6];
          SAPNET_UNROLL
          for (int r = 0; r < 6; ++r) column[r] = rows[r][s];
          winograd_input(column);
          SAPNET_UNROLL
          for (int r = 0; r < 6; ++r) {
            const std::int64_t point = (r * 6 + s) * point_stride(chunks * kWinogradChunk, job.batch);
            hn::Store(column[r], D(), transformed + point + (chunk * job.batch + tile) * kWinogradChunk + c);
          }
        }
      }
    }
  }
}

/// product(kTiles, two vectors) = tiles(kTiles, chunks · 32) · weight(chunks · 32, kGroup).
template <int kTiles, std::int64_t kGroup>
HWY_INLINE void multiply_block(const float* HWY_RESTRICT tiles, std::int64_t chunks, std::int64_t batch,
                               const float* HWY_RESTRICT weight, float* HWY_RESTRICT product) {
  V sum[kTiles][2];
  SAPNET_UNROLL
  for (int t = 0; t < kTiles; ++t) sum[t][0] = sum[t][1] = hn::Zero(D());
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk, tiles += batch * kWinogradChunk)
    for (std::int64_t i = 0; i < kWinogradChunk; ++i, weight += kGroup) {
      const V w0 = hn::LoadU(D(), weight), w1 = hn::LoadU(D(), weight + kLanes);
      SAPNET_UNROLL
      for (int t = 0; t < kTiles; ++t) {
        const V value = hn::Set(D(), tiles[t * kWinogradChunk + i]);
        sum[t][0] = hn::MulAdd(value, w0, sum[t][0]);
        sum[t][1] = hn::MulAdd(value, w1, sum[t][1]);
      }
    }
  SAPNET_UNROLL
  for (int t = 0; t < kTiles; ++t) {
    hn::Store(sum[t][0], D(), product + t * kGroup);
    hn::Store(sum[t][1], D(), product + t * kGroup + kLanes);
  }
}

/// Multiplies the first `tiles` tiles by one group's weights. products: (36, batch, kGroup), point_stride
/// apart.
template <std::int64_t kGroup>
HWY_INLINE void multiply(const WinogradJob& job, const float* transformed, std::int64_t tiles,
                         std::int64_t group, float* products) {
  const std::int64_t chunks = (job.in_channels[0] + job.in_channels[1]) / kWinogradChunk;
  for (std::int64_t point = 0; point < kWinogradPoints; ++point) {
    const float* weight = job.packed + (group * kWinogradPoints + point) * job.packed_channels * kGroup;
    const float* rows = transformed + point * point_stride(chunks * kWinogradChunk, job.batch);
    float* product = products + point * point_stride(kGroup, job.batch);
    for (std::int64_t lane = 0; lane < kGroup; lane += 2 * kLanes) {
      const auto block = [&]<int kTiles>(std::int64_t tile) {
        multiply_block<kTiles, kGroup>(rows + tile * kWinogradChunk, chunks, job.batch, weight + lane,
                                       product + tile * kGroup + lane);
        return tile + kTiles;
      };
      std::int64_t tile = 0;
      while (tile + kTileBlock <= tiles) tile = block.template operator()<kTileBlock>(tile);
      while (tile + kTileBlock / 2 <= tiles) tile = block.template operator()<kTileBlock / 2>(tile);
      while (tile < tiles) tile = block.template operator()<1>(tile);
    }
  }
}

/// Applies the output transform to one tile and calls, for each pixel, store(V (&sums)[kGates], y, x,
/// channel), one vector of channels at a time. A group consists of kGates blocks of kGroup / kGates channels.
template <int kGates, std::int64_t kGroup, class Store>
HWY_INLINE void inverse_transform_tile(const WinogradJob& job, const float* HWY_RESTRICT products,
                                       std::int64_t tile, std::int64_t x0, std::int64_t group,
                                       const Store& store) {
  constexpr std::int64_t kChannels = kGroup / kGates;
  for (std::int64_t c = 0; c < kChannels; c += kLanes) {
    V half[kGates][4][6];
    for (int gate = 0; gate < kGates; ++gate)
      for (int s = 0; s < 6; ++s) {
        V column[6], sums[4];
        SAPNET_UNROLL
        for (int r = 0; r < 6; ++r)
          column[r] = hn::Load(D(), products + (r * 6 + s) * point_stride(kGroup, job.batch) + tile * kGroup +
                                        gate * kChannels + c);
        winograd_output(column, sums);
        SAPNET_UNROLL
        for (int r = 0; r < 4; ++r) half[gate][r][s] = sums[r];
      }
    for (int r = 0; r < 4; ++r) {
      const std::int64_t y = job.y0 + r * job.dilation;
      if (y >= job.h) break;
      V row[kGates][4];
      SAPNET_UNROLL
      for (int gate = 0; gate < kGates; ++gate) winograd_output(half[gate][r], row[gate]);
      SAPNET_UNROLL
      for (int s = 0; s < 4; ++s) {
        const std::int64_t x = x0 + s * job.dilation;
        if (x >= job.w) break;
        V sums[kGates];
        SAPNET_UNROLL
        for (int gate = 0; gate < kGates; ++gate) sums[gate] = row[gate][s];
        store(sums, y, x, group * kChannels + c);
      }
    }
  }
}

/// Calls batch(starts, tiles) for batches of at most kTileBatch of a job's tiles, given by their first
/// columns.
template <class Batch>
HWY_INLINE void for_tile_batches(const WinogradJob& job, const Batch& batch) {
  std::int64_t starts[kTileBatch];
  std::int64_t tiles = 0;
  for (std::int64_t phase = 0; phase < std::min(job.dilation, job.w); ++phase)
    for (std::int64_t x0 = phase; x0 < job.w; x0 += 4 * job.dilation) {
      starts[tiles++] = x0;
      if (tiles < kTileBatch) continue;
      batch(starts, tiles);
      tiles = 0;
    }
  if (tiles > 0) batch(starts, tiles);
}

/// Output rows y0, y0 + d, y0 + 2d, y0 + 3d of one image, all columns and channels. prefetch(job, x0, group)
/// prefetches what `store` reads for a tile.
template <int kGates, std::int64_t kGroup, class Store, class Prefetch>
inline void winograd_rows(WinogradJob job, const Store& store, const Prefetch& prefetch) {
  const std::int64_t in_channels = job.in_channels[0] + job.in_channels[1];
  const std::int64_t transformed_size = kWinogradPoints * point_stride(in_channels);
  float* transformed =
      scratch(static_cast<std::size_t>(transformed_size + kWinogradPoints * point_stride(kGroup)));
  float* products = transformed + transformed_size;
  job.batch = kTileBatch;
  for_tile_batches(job, [&](const std::int64_t* starts, std::int64_t tiles) {
    for (std::int64_t t = 0; t < tiles; ++t) {
      if (t + 1 < tiles) prefetch_inputs(job, starts[t + 1]);
      transform_tile(job, starts[t], t, transformed);
    }
    for (std::int64_t group = 0; group < job.groups; ++group) {
      for (std::int64_t t = 0; t < tiles; ++t) prefetch(job, starts[t], group);
      multiply<kGroup>(job, transformed, tiles, group, products);
      for (std::int64_t t = 0; t < tiles; ++t)
        inverse_transform_tile<kGates, kGroup>(job, products, t, starts[t], group, store);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
