// Any convolution, directly: each thread computes a few channels of one pixel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/epilogue.cuh"
#include "kernels/gpu.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda::generic {

inline constexpr int kThreads = 128;

/// Output channels that a thread computes for its pixel.
inline int channels_at_once(std::int64_t out_channels) { return out_channels % 32 == 0 ? 32 : 4; }

inline std::int64_t padded_channels(std::int64_t out_channels) {
  const std::int64_t step = channels_at_once(out_channels);
  return (out_channels + step - 1) / step * step;
}

template <class T>
struct MapOf {
  const T* values;
  std::int64_t channels;
};

/// Grid: x pixels of an image, y channel blocks, z images. weight: (kernel, kernel, in_channels, padded).
template <class In, class Out, int kChannels>
__global__ void __launch_bounds__(kThreads)
    convolve(Conv2dProblem p, MapOf<In> first, MapOf<In> second, const In* weight, std::int64_t padded,
             Epilogue<Out> to) {
  const std::int64_t pixel = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t out_w = p.out_w(), pixels = p.out_h() * out_w;
  if (pixel >= pixels) return;
  const std::int64_t first_y = pixel / out_w * p.stride - p.padding,
                     first_x = pixel % out_w * p.stride - p.padding;
  const std::int64_t first_channel = static_cast<std::int64_t>(blockIdx.y) * kChannels, n = blockIdx.z;

  float sums[kChannels] = {};
  const In* w = weight + first_channel;
  for (std::int64_t a = 0; a < p.kernel; ++a) {
    for (std::int64_t b = 0; b < p.kernel; ++b) {
      const std::int64_t y = first_y + a * p.dilation, x = first_x + b * p.dilation;
      if (y < 0 || y >= p.h || x < 0 || x >= p.w) {
        w += (first.channels + second.channels) * padded;
        continue;
      }
      for (const MapOf<In>& map : {first, second}) {
        const In* const from = map.values + ((n * p.h + y) * p.w + x) * map.channels;
        for (std::int64_t i = 0; i < map.channels; ++i, w += padded) {
          const float value = gpu::to_float(from[i]);
          const auto filter = gpu::Pack<In, kChannels>::load(w);
#pragma unroll
          for (int c = 0; c < kChannels; ++c) sums[c] = fmaf(value, gpu::to_float(filter.values[c]), sums[c]);
        }
      }
    }
  }

  const std::int64_t at = (n * pixels + pixel) * p.out_channels;
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    const std::int64_t channel = first_channel + c;
    if (channel >= p.out_channels) break;
    to.out[at + channel] = apply_epilogue(to, at + channel, channel, n, p.out_channels, sums[c]);
  }
}

template <class In, class Out>
void launch(const Conv2dProblem& p, const Conv2dArguments<In, Out>& a, const Epilogue<Out>& epilogue,
            CudaStream stream) {
  const std::int64_t padded = padded_channels(p.out_channels), at_once = channels_at_once(p.out_channels);
  const std::int64_t blocks = (p.out_h() * p.out_w() + kThreads - 1) / kThreads;
  const auto kernel = at_once == 32 ? convolve<In, Out, 32> : convolve<In, Out, 4>;
  Conv2dProblem of_map = p;
  of_map.out_channels = p.out_map_channels();
  for (std::int64_t first = 0; first < p.out_channels; first += of_map.out_channels) {
    const auto to = epilogue.for_channel(static_cast<int>(first));
    if (!to.out) continue;
    gpu::launch(kernel,
                dim3(static_cast<unsigned>(blocks),
                     static_cast<unsigned>(padded_channels(of_map.out_channels) / at_once),
                     static_cast<unsigned>(p.n)),
                kThreads, 0, stream, of_map, MapOf<In>{a.in[0], p.in_channels[0]},
                MapOf<In>{a.in[1], p.in_channels[1]}, a.weight + first, padded, to);
  }
}

/// Packs weight (out_channels, in_channels, kernel, kernel) for convolve.
template <class From, class To>
void pack(const Conv2dProblem& p, const From* weight, To* packed) {
  const std::int64_t in_channels = p.total_in_channels(), taps = p.kernel * p.kernel;
  const std::int64_t padded = padded_channels(p.out_channels);
  for (std::int64_t tap = 0; tap < taps; ++tap)
    for (std::int64_t i = 0; i < in_channels; ++i)
      for (std::int64_t o = 0; o < padded; ++o)
        *packed++ = to_storage<To>(o < p.out_channels ? weight[(o * in_channels + i) * taps + tap] : From());
}

}  // namespace sapnet::kernels::cuda::generic
