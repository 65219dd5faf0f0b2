#include "kernels/conv2d/packing.h"

namespace sapnet::kernels::cpu {
namespace {

/// The filter transform for the points 0, ±1, ±2 and infinity (Lavin & Gray 2015, section 4.3).
constexpr double kG[6][3] = {{1.0 / 4, 0, 0},
                             {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                             {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                             {1.0 / 24, 1.0 / 12, 1.0 / 6},
                             {1.0 / 24, -1.0 / 12, 1.0 / 6},
                             {0, 0, 1}};

}  // namespace

bool winograd_supports(const Conv2dProblem& p) {
  return p.kernel == 3 && p.stride == 1 && p.padding == p.dilation && p.in_channels[0] > 0 &&
         p.in_channels[0] % kWinogradChunk == 0 && p.in_channels[1] % kWinogradChunk == 0 &&
         p.out_channels % kWinogradGroup == 0;
}

bool rgb_output_supports(const Conv2dProblem& p) {
  constexpr std::int64_t kMaxLanes = 16;
  return p.out_channels == kRgbChannels && p.in_channels[0] > 0 && p.in_channels[0] % kMaxLanes == 0 &&
         p.in_channels[1] % kMaxLanes == 0;
}

void pack_winograd(const float* weight, std::int64_t in_channels, std::int64_t out_channels,
                   std::int64_t group,
                   const std::function<std::int64_t(std::int64_t, std::int64_t)>& channel_of, float* packed) {
  for (std::int64_t g = 0; g < out_channels / group; ++g)
    for (std::int64_t i = 0; i < in_channels; ++i)
      for (std::int64_t lane = 0; lane < group; ++lane) {
        const float* filter = weight + (channel_of(g, lane) * in_channels + i) * 9;
        for (int row = 0; row < 6; ++row)
          for (int column = 0; column < 6; ++column) {
            double value = 0;
            for (int a = 0; a < 3; ++a)
              for (int b = 0; b < 3; ++b)
                value += kG[row][a] * kG[column][b] * static_cast<double>(filter[3 * a + b]);
            const std::int64_t point = g * kWinogradPoints + 6 * row + column;
            packed[(point * in_channels + i) * group + lane] = static_cast<float>(value);
          }
      }
}

void add_filter_of_points(const double* points, std::int64_t stride, float* filter) {
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      double value = 0;
      for (int row = 0; row < 6; ++row)
        for (int column = 0; column < 6; ++column)
          value += kG[row][a] * kG[column][b] * points[(6 * row + column) * stride];
      filter[3 * a + b] += static_cast<float>(value);
    }
}

void pack_direct(const Conv2dProblem& p, const float* weight, float* packed) {
  const std::int64_t taps = p.kernel * p.kernel;
  for (std::int64_t first = 0; first < p.out_channels; first += kDirectBlock)
    for (std::int64_t tap = 0; tap < taps; ++tap)
      for (std::int64_t i = 0; i < p.total_in_channels(); ++i)
        for (std::int64_t channel = first; channel < first + kDirectBlock; ++channel)
          *packed++ =
              channel < p.out_channels ? weight[(channel * p.total_in_channels() + i) * taps + tap] : 0.0F;
}

void pack_rgb_output(const Conv2dProblem& p, const float* weight, float* packed) {
  const std::int64_t taps = p.kernel * p.kernel;
  for (std::int64_t tap = 0; tap < taps; ++tap)
    for (std::int64_t filter = 0; filter < p.out_channels * p.total_in_channels(); ++filter)
      *packed++ = weight[filter * taps + tap];
}

}  // namespace sapnet::kernels::cpu
