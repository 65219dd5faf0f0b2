// Accumulates the shifted sums (shifted_sums.h) of a map while a kernel writes it.
#pragma once

#include "kernels/gpu.cuh"

namespace sapnet::kernels::gpu {

/// The partial sums of one block of kWarps warps; does nothing if !kWanted. Lane l of a warp has the
/// kChannels channels from kChannels · (l % 4) on; lanes with the same l % 4 have different columns.
///
/// Rows within `dilation` of the upper or lower edge do not count for some of the vertical taps. A warp walks
/// down the map, so it sees a few kinds of rows, one after another: it sums rows of the same kind in
/// registers, and adds them to the taps they count for when the kind changes.
template <int kWarps, int kChannels, bool kWanted>
class ShiftedSums {
  static constexpr int kTap = 4 * kChannels;  // floats per tap

 public:
  static constexpr std::size_t kSharedBytes = kWanted ? kWarps * kTap * 9 * sizeof(float) : 0;

  /// h, w: of the map that is summed; dilation: of the convolution that the sums are for.
  __device__ ShiftedSums(int h, int w, int dilation)
      : h_(h), w_(w), dilation_(dilation), lane_(static_cast<int>(threadIdx.x) % kWarp) {
    if constexpr (kWanted) {
      SHARED_ARRAY(float, warps, [kWarps][kTap * 9]);
      block_ = warps[0];
      warp_ = warps[static_cast<int>(threadIdx.x) / kWarp];
      for (int k = lane_; k < kTap * 9; k += kWarp) warp_[k] = 0;
      __syncwarp();
    }
  }

  /// Call before the first add() of a row, by the whole warp.
  __device__ void begin_row(int y) {
    const int kind = (y < h_ - dilation_ ? 1 : 0) | (y >= dilation_ ? 2 : 0);
    if (kWanted && kind != kind_) flush();
    kind_ = kind;
  }

  /// Counts `value` in the lane's channel c, at column x.
  __device__ void add(int x, int c, float value) {
    if (!kWanted) return;
    sums_[0][c] += x < w_ - dilation_ ? value : 0;
    sums_[1][c] += value;
    sums_[2][c] += x >= dilation_ ? value : 0;
  }

  /// Adds up the warps and writes the block's partial sums. to: the first of its channels in the first tap;
  /// channels: of the map. Call once, by the whole block.
  __device__ void store(float* to, int channels) {
    if (!kWanted) return;
    flush();
    __syncthreads();
    for (int k = static_cast<int>(threadIdx.x); k < 9 * kTap; k += kWarps * kWarp) {
      float sum = 0;
      for (int warp = 0; warp < kWarps; ++warp) sum += block_[warp * 9 * kTap + k];
      to[k / kTap * channels + k % kTap] = sum;
    }
  }

 private:
  /// Adds the register sums to shared memory; by the whole warp.
  __device__ void flush() {
#pragma unroll
    for (int b = 0; b < 3; ++b) {
#pragma unroll
      for (int c = 0; c < kChannels; ++c) {
        float sum = sums_[b][c];
        sums_[b][c] = 0;
#pragma unroll
        for (int mask = 4; mask < kWarp; mask *= 2) sum += shuffle_xor(sum, mask);
        if (lane_ >= 4) continue;
        float* const at = warp_ + b * kTap + lane_ * kChannels + c;
        if (kind_ & 1) at[0] += sum;
        at[3 * kTap] += sum;
        if (kind_ & 2) at[6 * kTap] += sum;
      }
    }
  }

  int h_, w_, dilation_, lane_;
  int kind_ = 0;  // of the rows in sums_: bit 0 if they count for the upper tap, bit 1 for the lower
  float sums_[3][kChannels] = {};
  float *block_ = nullptr, *warp_ = nullptr;  // in shared memory: of all warps, and of this one
};

}  // namespace sapnet::kernels::gpu
