// The forward pass reads three maps once and is memory-bound. Jobs are blocks of elements, whose sums are
// added in order.
#include "kernels/feature_contrast/feature_contrast.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/feature_contrast/contrast.h"
#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/feature_contrast/feature_contrast.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE VD sign(VD v) {
  return hn::IfThenElseZero(hn::Ne(v, hn::Zero(DD())), hn::CopySign(hn::Set(DD(), 1.0), v));
}

/// Stores integers that fit into bytes.
HWY_INLINE void store_bytes(VD v, std::int8_t* HWY_RESTRICT p, std::int64_t lanes) {
  const hn::Rebind<std::int32_t, DD> words;
  const hn::Rebind<std::int8_t, DD> bytes;
  const auto narrow = hn::DemoteTo(bytes, hn::DemoteTo(words, v));
  if (HWY_LIKELY(lanes >= kDoubleLanes)) return hn::StoreU(narrow, bytes, p);
  alignas(16) std::int8_t values[kDoubleLanes];
  hn::Store(narrow, bytes, values);
  for (std::int64_t i = 0; i < lanes; ++i) p[i] = values[i];
}

/// sums: of |D - G| and |D - R| over elements [begin, end).
void contrast_block(const FeatureContrastArguments<>& a, std::int64_t begin, std::int64_t end, double* sums) {
  VD clean = hn::Zero(DD()), rainy = clean;
  for (std::int64_t k = begin; k < end; k += kDoubleLanes) {
    const std::int64_t lanes = end - k;
    const VD derained = load_doubles(a.derained + k, lanes);
    const VD to_clean = hn::Sub(derained, load_doubles(a.clean + k, lanes));
    const VD to_rainy = hn::Sub(derained, load_doubles(a.rainy + k, lanes));
    clean = hn::Add(clean, hn::Abs(to_clean));
    rainy = hn::Add(rainy, hn::Abs(to_rainy));
    if (a.signs)
      store_bytes(hn::MulAdd(hn::Set(DD(), 4.0), sign(to_rainy), sign(to_clean)), a.signs + k, lanes);
  }
  sums[0] = sum_of_lanes(clean);
  sums[1] = sum_of_lanes(rainy);
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {
namespace {

HWY_EXPORT(contrast_block);

}  // namespace

void feature_contrast(const Context& /*context*/, const FeatureContrastProblem& p,
                      const FeatureContrastArguments<>& a) {
  std::vector<std::array<double, 2>> sums(
      static_cast<std::size_t>((p.count + kParallelBlock - 1) / kParallelBlock));
  parallel_for_blocks(p.count, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(contrast_block)
    (a, begin, end, sums[static_cast<std::size_t>(begin / kParallelBlock)].data());
  });
  double clean = 0, rainy = 0;
  for (const auto& [to_clean, to_rainy] : sums) {
    clean += to_clean;
    rainy += to_rainy;
  }
  const Contrast contrast = contrast_from_sums(clean, rainy, p.count);
  *a.value = contrast.value;
  if (a.factors) std::copy_n(contrast.factors, 2, a.factors);
}

void feature_contrast_backward(const Context& /*context*/, const FeatureContrastProblem& p,
                               const FeatureContrastBackwardArguments<>& a) {
  const float by_clean = *a.dvalue * a.factors[0], by_rainy = *a.dvalue * a.factors[1];
  parallel_for_blocks(p.count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) a.dderained[k] = weigh_signs(a.signs[k], by_clean, by_rainy);
  });
}

}  // namespace sapnet::kernels::cpu
#endif
