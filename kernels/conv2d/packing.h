// Packed weight layouts of the CPU convolutions.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels::cpu {

/// Direct: [block of 32 output channels][tap][input channel][32], zero-padded after the last output channel.
inline constexpr std::int64_t kDirectBlock = 32;

/// RGB output: [tap][output channel][input channel].
inline constexpr int kRgbChannels = 3;

/// Winograd: [group of output channels][36 points][input channel][group], each 3×3 filter g as G g Gᵀ.
inline constexpr std::int64_t kWinogradPoints = 36;
/// Input channels per chunk; fixes the length of a tile's row in the transformed input.
inline constexpr std::int64_t kWinogradChunk = 32;
/// Output channels computed together.
inline constexpr std::int64_t kWinogradGroup = 32;

bool winograd_supports(const Conv2dProblem& problem);
bool rgb_output_supports(const Conv2dProblem& problem);

/// weight: (out_channels, total_in_channels, 3, 3). Lane l of group g is output channel `channel_of(g, l)`.
void pack_winograd(const float* weight, std::int64_t in_channels, std::int64_t out_channels,
                   std::int64_t group,
                   const std::function<std::int64_t(std::int64_t, std::int64_t)>& channel_of, float* packed);

/// Transpose of the filter transform: adds Gᵀ u G to `filter`, where u is the gradient at the 36 points,
/// `stride` apart.
void add_filter_of_points(const double* points, std::int64_t stride, float* filter);

/// The maps of one image of the batch.
inline std::array<const float*, 2> image_maps(const Conv2dProblem& p, const std::array<const float*, 2>& in,
                                              std::int64_t image) {
  const std::int64_t pixels = image * p.h * p.w;
  return {in[0] + pixels * p.in_channels[0], in[1] ? in[1] + pixels * p.in_channels[1] : nullptr};
}

/// weight: (out_channels, total_in_channels, kernel, kernel).
void pack_direct(const Conv2dProblem& problem, const float* weight, float* packed);
void pack_rgb_output(const Conv2dProblem& problem, const float* weight, float* packed);

}  // namespace sapnet::kernels::cpu
