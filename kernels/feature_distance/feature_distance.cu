// One warp per pixel, each lane every 32nd channel.
#include "kernels/feature_distance/feature_distance.h"
#include "kernels/storage.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kWarps = gpu::kSumThreads / gpu::kWarp;

__device__ int lane() { return static_cast<int>(threadIdx.x) % gpu::kWarp; }

/// The features of both images at a warp's pixel.
template <class T>
struct PixelFeatures {
  const T *derained, *clean;
  float length, by_derained, by_clean;  // ‖D‖; reciprocals of the lengths

  __device__ PixelFeatures(const FeatureDistanceProblem& p, const T* all_derained, const T* all_clean,
                           std::int64_t pixel)
      : derained(all_derained + pixel * p.c), clean(all_clean + pixel * p.c) {
    constexpr float kEpsilon = 1e-10F;
    float d2 = 0, g2 = 0;
    for (std::int64_t c = lane(); c < p.c; c += gpu::kWarp) {
      const float d = gpu::to_float(derained[c]), g = gpu::to_float(clean[c]);
      d2 = fmaf(d, d, d2);
      g2 = fmaf(g, g, g2);
    }
    length = sqrtf(gpu::sum_over_warp(d2));
    by_derained = 1 / (length + kEpsilon);
    by_clean = 1 / (sqrtf(gpu::sum_over_warp(g2)) + kEpsilon);
  }

  /// D^ - G^
  __device__ float difference(std::int64_t c) const {
    return gpu::to_float(derained[c]) * by_derained - gpu::to_float(clean[c]) * by_clean;
  }
};

/// Calls body(pixel) for the warp's pixels.
template <class Body>
__device__ void for_pixels_of_warp(const FeatureDistanceProblem& p, const Body& body) {
  for (std::int64_t pixel = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / gpu::kWarp;
       pixel < p.pixels(); pixel += static_cast<std::int64_t>(gridDim.x) * kWarps)
    body(pixel);
}

template <class T>
__global__ void __launch_bounds__(gpu::kSumThreads)
    sum_distances(FeatureDistanceProblem p, FeatureDistanceArguments<T> a, double* partials) {
  double sums[1] = {};  // per lane
  for_pixels_of_warp(p, [&](std::int64_t pixel) {
    const PixelFeatures<T> features(p, a.derained, a.clean, pixel);
    float sum = 0;
    for (std::int64_t c = lane(); c < p.c; c += gpu::kWarp) {
      const float difference = features.difference(c);
      sum = fmaf(a.weight[c] * difference, difference, sum);
    }
    sums[0] += sum;
  });
  gpu::sum_over_block(sums);
  if (threadIdx.x == 0) partials[blockIdx.x] = sums[0];
}

template <class T>
__global__ void __launch_bounds__(gpu::kSumThreads)
    distance_backward(FeatureDistanceProblem p, FeatureDistanceBackwardArguments<T> a) {
  const float factor = 2 * *a.dvalue / static_cast<float>(p.pixels());
  for_pixels_of_warp(p, [&](std::int64_t pixel) {
    const PixelFeatures<T> features(p, a.derained, a.clean, pixel);
    // u without its constant factor.
    const auto u = [&](std::int64_t c) { return a.weight[c] * features.difference(c); };
    float product = 0;
    for (std::int64_t c = lane(); c < p.c; c += gpu::kWarp)
      product = fmaf(gpu::to_float(features.derained[c]), u(c), product);
    product = gpu::sum_over_warp(product);
    const bool any = features.length != 0;
    const float scale = any ? factor * features.by_derained : 0;
    const float along = any ? product / features.length * features.by_derained : 0;
    for (std::int64_t c = lane(); c < p.c; c += gpu::kWarp)
      a.dderained[pixel * p.c + c] =
          gpu::from_float<T>(scale * (u(c) - along * gpu::to_float(features.derained[c])));
  });
}

std::int64_t blocks(const FeatureDistanceProblem& p) { return gpu::blocks_of_sum(p.pixels(), kWarps); }

}  // namespace

template <class T>
void feature_distance(const Context& context, const FeatureDistanceProblem& p,
                      const FeatureDistanceArguments<T>& a) {
  double* const partials = gpu::doubles(context, blocks(p));
  gpu::launch(sum_distances<T>, dim3(static_cast<unsigned>(blocks(p))), gpu::kSumThreads, 0, context.stream,
              p, a, partials);
  gpu::finish_sums<1>(partials, blocks(p), context.stream,
                      gpu::Mean{static_cast<double>(p.pixels()), a.value});
}

template <class T>
void feature_distance_backward(const Context& context, const FeatureDistanceProblem& p,
                               const FeatureDistanceBackwardArguments<T>& a) {
  const std::int64_t blocks = (p.pixels() + kWarps - 1) / kWarps;
  gpu::launch(distance_backward<T>, dim3(static_cast<unsigned>(blocks)), gpu::kSumThreads, 0, context.stream,
              p, a);
}

SAPNET_INSTANTIATE(feature_distance, const FeatureDistanceProblem&, FeatureDistanceArguments);
SAPNET_INSTANTIATE(feature_distance_backward, const FeatureDistanceProblem&,
                   FeatureDistanceBackwardArguments);

}  // namespace sapnet::kernels::cuda
