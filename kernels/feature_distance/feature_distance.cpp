#include "kernels/feature_distance/feature_distance.h"

#include <cmath>

#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/feature_distance/feature_distance.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// The features of both images at a pixel, in double.
struct PixelFeatures {
  const float *derained, *clean, *weight;
  std::int64_t channels;
  double length = 0, by_derained = 0, by_clean = 0;  // ‖D‖; reciprocals of the lengths

  HWY_INLINE PixelFeatures(const FeatureDistanceProblem& p, const float* all_derained, const float* all_clean,
                           const float* all_weights, std::int64_t pixel)
      : derained(all_derained + pixel * p.c),
        clean(all_clean + pixel * p.c),
        weight(all_weights),
        channels(p.c) {
    constexpr double kEpsilon = 1e-10;
    VD d2 = hn::Zero(DD()), g2 = d2;
    for (std::int64_t c = 0; c < channels; c += kDoubleLanes) {
      const VD d = load_doubles(derained + c, channels - c), g = load_doubles(clean + c, channels - c);
      d2 = hn::MulAdd(d, d, d2);
      g2 = hn::MulAdd(g, g, g2);
    }
    length = std::sqrt(sum_of_lanes(d2));
    by_derained = 1 / (length + kEpsilon);
    by_clean = 1 / (std::sqrt(sum_of_lanes(g2)) + kEpsilon);
  }

  HWY_INLINE VD derained_at(std::int64_t c) const { return load_doubles(derained + c, channels - c); }
  HWY_INLINE VD weight_at(std::int64_t c) const { return load_doubles(weight + c, channels - c); }

  /// D^ - G^ of the channels from c on.
  HWY_INLINE VD difference(std::int64_t c) const {
    return hn::NegMulAdd(load_doubles(clean + c, channels - c), hn::Set(DD(), by_clean),
                         hn::Mul(derained_at(c), hn::Set(DD(), by_derained)));
  }
};

/// The sum over row `job`, counting the rows of all images.
double distance_row(const FeatureDistanceProblem& p, const FeatureDistanceArguments<>& a, std::int64_t job) {
  VD sum = hn::Zero(DD());
  for (std::int64_t pixel = job * p.w; pixel < (job + 1) * p.w; ++pixel) {
    const PixelFeatures features(p, a.derained, a.clean, a.weight, pixel);
    for (std::int64_t c = 0; c < p.c; c += kDoubleLanes) {
      const VD difference = features.difference(c);
      sum = hn::MulAdd(hn::Mul(features.weight_at(c), difference), difference, sum);
    }
  }
  return sum_of_lanes(sum);
}

void distance_backward_row(const FeatureDistanceProblem& p, const FeatureDistanceBackwardArguments<>& a,
                           std::int64_t job) {
  const double factor = 2 * static_cast<double>(*a.dvalue) / static_cast<double>(p.pixels());
  for (std::int64_t pixel = job * p.w; pixel < (job + 1) * p.w; ++pixel) {
    const PixelFeatures features(p, a.derained, a.clean, a.weight, pixel);
    // u without its constant factor.
    const auto u = [&](std::int64_t c) { return hn::Mul(features.weight_at(c), features.difference(c)); };
    VD product = hn::Zero(DD());
    for (std::int64_t c = 0; c < p.c; c += kDoubleLanes)
      product = hn::MulAdd(features.derained_at(c), u(c), product);
    const bool any = features.length != 0;
    const VD scale = hn::Set(DD(), any ? factor * features.by_derained : 0);
    const VD along = hn::Set(DD(), any ? sum_of_lanes(product) / features.length * features.by_derained : 0);
    for (std::int64_t c = 0; c < p.c; c += kDoubleLanes)
      store_as_floats(hn::Mul(scale, hn::NegMulAdd(along, features.derained_at(c), u(c))),
                      a.dderained + pixel * p.c + c, p.c - c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {
namespace {

HWY_EXPORT(distance_row);
HWY_EXPORT(distance_backward_row);

}  // namespace

void feature_distance(const Context& /*context*/, const FeatureDistanceProblem& p,
                      const FeatureDistanceArguments<>& a) {
  const double total = parallel_sum(
      p.n * p.h, [&](std::int64_t job) { return HWY_DYNAMIC_DISPATCH(distance_row)(p, a, job); });
  *a.value = static_cast<float>(total / static_cast<double>(p.pixels()));
}

void feature_distance_backward(const Context& /*context*/, const FeatureDistanceProblem& p,
                               const FeatureDistanceBackwardArguments<>& a) {
  parallel_for(p.n * p.h, [&](std::int64_t job) { HWY_DYNAMIC_DISPATCH(distance_backward_row)(p, a, job); });
}

}  // namespace sapnet::kernels::cpu
#endif
