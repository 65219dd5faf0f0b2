// The warp tile of the convolutions: kPixels pixels × kOutputs output channels, over kIn input channels of
// one tap. Pixels and weights are in shared memory, the sums in registers.
//
// The sums are distributed over the lanes in the layout of mma_m16n8k16 (gpu.cuh), also in plain fp32, so
// that epilogues are written once: with g = lane / 4 and t = lane % 4, Sums[m][n][i] belongs to pixel 16 m +
// 8 (i / 2) + g and output 8 n + 2 t + i % 2.
#pragma once

#include <cstdint>

#include "kernels/gpu.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::warp_tile {

inline constexpr int kPixels = 64;
inline constexpr int kOutputs = 32;

template <int kTiles>
using SumsOf = float[kTiles][kOutputs / 8][4];  // of 16 pixels each
using Sums = SumsOf<kPixels / 16>;

/// The pixel and the output of Sums[m][n][i].
__device__ __forceinline__ int pixel_of(int lane, int m, int i) { return 16 * m + 8 * (i / 2) + lane / 4; }
__device__ __forceinline__ int output_of(int lane, int n, int i) { return 8 * n + 2 * (lane % 4) + i % 2; }

template <class T>
inline constexpr int kChunk = 16 / static_cast<int>(sizeof(T));  // elements per 16-byte access

/// The swizzled shared-memory offset of element k of a row, in rows of kIn elements. The chunks of a row are
/// permuted by an XOR pattern that depends on the row, so that the same chunk of any eight adjacent rows is
/// in different banks and can be read without conflicts.
template <class T, int kIn>
constexpr int element_at(int row, int k) {
  constexpr int kBanks = 8;                 // in units of a chunk
  constexpr int kChunks = kIn / kChunk<T>;  // per row
  constexpr int kPatterns = kChunks < kBanks ? kChunks : kBanks;
  const auto pattern = static_cast<unsigned>(row) / (kBanks / kPatterns) % kPatterns;
  return row * kIn + (k ^ static_cast<int>(pattern) * kChunk<T>);
}

/// The multiply-accumulate for maps and weights of type T.
///   kWeightRows × kWeightColumns: layout of one tap's weights in shared memory, addressed by weight_at():
///     outputs × inputs if kOutputsAreRows, else inputs × outputs
///   multiply(): accumulates the products of the pixels from `first` on, rows of kIn elements at
///     element_at(), into a warp's sums
template <class T, int kIn>
struct Product;

/// fp16 on the tensor cores, accumulating in fp32.
template <int kIn>
struct Product<Half, kIn> {
  static constexpr bool kOutputsAreRows = true;
  static constexpr int kWeightRows = kOutputs, kWeightColumns = kIn;

  __device__ static int weight_at(int row, int column) { return element_at<Half, kIn>(row, column); }

  __device__ __forceinline__ static void multiply(const Half* pixels, int first, const Half* weights,
                                                  int lane, Sums& sums) {
    const int pixel = first + lane % 16, output = lane % 8 + lane / 16 * 8;
#pragma unroll
    for (int k = 0; k < kIn; k += 16) {
      std::uint32_t b[kOutputs / 16][4];
#pragma unroll
      for (int n = 0; n < kOutputs / 16; ++n)
        gpu::ldmatrix_x4(b[n], weights + n * 16 * kIn + weight_at(output, k + lane / 8 % 2 * 8));
#pragma unroll
      for (int m = 0; m < kPixels / 16; ++m) {
        std::uint32_t a[4];
        gpu::ldmatrix_x4(a, pixels + m * 16 * kIn + element_at<Half, kIn>(pixel, k + lane / 16 * 8));
#pragma unroll
        for (int n = 0; n < kOutputs / 8; ++n) {
          const std::uint32_t column[2] = {b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]};
          gpu::mma_m16n8k16(sums[m][n], a, column);
        }
      }
    }
  }
};

/// fp32 with plain FMA.
template <int kIn>
struct Product<float, kIn> {
  static constexpr bool kOutputsAreRows = false;
  static constexpr int kWeightRows = kIn, kWeightColumns = kOutputs;

  __device__ static int weight_at(int row, int column) { return row * kOutputs + column; }

  __device__ __forceinline__ static void multiply(const float* pixels, int first, const float* weights,
                                                  int lane, Sums& sums) {
    const int pixel = first + pixel_of(lane, 0, 0);
    const float* const filter = weights + output_of(lane, 0, 0);
#pragma unroll 1
    for (int k = 0; k < kIn; k += 4) {
      gpu::Pack<float, 4> in[kPixels / 8];
#pragma unroll
      for (int p = 0; p < kPixels / 8; ++p)
        in[p] = gpu::Pack<float, 4>::load(pixels + p * 8 * kIn + element_at<float, kIn>(pixel, k));
#pragma unroll
      for (int c = 0; c < 4; ++c) {
#pragma unroll
        for (int n = 0; n < kOutputs / 8; ++n) {
          const auto pair = gpu::Pack<float, 2>::load(filter + weight_at(k + c, n * 8));
#pragma unroll
          for (int p = 0; p < kPixels / 8; ++p) {
#pragma unroll
            for (int e = 0; e < 2; ++e) {
              float& sum = sums[p / 2][n][p % 2 * 2 + e];
              sum = fmaf(in[p].values[c], pair.values[e], sum);
            }
          }
        }
      }
    }
  }
};

}  // namespace sapnet::kernels::cuda::warp_tile
