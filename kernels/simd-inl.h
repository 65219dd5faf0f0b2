// Shared by the SIMD kernels. Compiled once per instruction set (see simd_targets.h), hence the include
// guard.
#if defined(SAPNET_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_SIMD_INL_H_
#undef SAPNET_KERNELS_SIMD_INL_H_
#else
#define SAPNET_KERNELS_SIMD_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#ifndef SAPNET_UNROLL  // for loops over register arrays, which would otherwise be spilled
#ifdef __clang__
#define SAPNET_UNROLL _Pragma("unroll")
#else
#define SAPNET_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// At most 16 lanes: channels come in blocks of 16.
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

/// AVX-512 and NEON have 32 registers, the others 16; determines the size of accumulator blocks.
inline constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON;

/// Whether masked loads and stores never access memory outside the mask.
inline constexpr bool kMasksMemory = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2;

template <class Tag>
HWY_INLINE hn::Mask<Tag> first_lanes(Tag tag, std::int64_t lanes) {
  return hn::FirstN(tag, static_cast<std::size_t>(std::max<std::int64_t>(lanes, 0)));
}

/// The first `lanes` values at p, zero-padded. Tag: of floats.
template <class Tag>
HWY_INLINE hn::Vec<Tag> load_lanes(Tag tag, const float* HWY_RESTRICT p, std::int64_t lanes) {
  if (HWY_LIKELY(lanes >= static_cast<std::int64_t>(hn::MaxLanes(tag)))) return hn::LoadU(tag, p);
  if constexpr (kMasksMemory) return hn::MaskedLoad(first_lanes(tag, lanes), tag, p);
  alignas(64) float values[hn::MaxLanes(tag)] = {};
  for (std::int64_t i = 0; i < lanes; ++i) values[i] = p[i];
  return hn::Load(tag, values);
}
HWY_INLINE V load_lanes(const float* HWY_RESTRICT p, std::int64_t lanes) { return load_lanes(D(), p, lanes); }

template <class Tag>
HWY_INLINE void store_lanes(Tag tag, hn::Vec<Tag> v, float* HWY_RESTRICT p, std::int64_t lanes) {
  if (HWY_LIKELY(lanes >= static_cast<std::int64_t>(hn::MaxLanes(tag)))) return hn::StoreU(v, tag, p);
  if constexpr (kMasksMemory) return hn::BlendedStore(v, first_lanes(tag, lanes), tag, p);
  alignas(64) float values[hn::MaxLanes(tag)];
  hn::Store(v, tag, values);
  for (std::int64_t i = 0; i < lanes; ++i) p[i] = values[i];
}
HWY_INLINE void store_lanes(V v, float* HWY_RESTRICT p, std::int64_t lanes) { store_lanes(D(), v, p, lanes); }

/// Doubles, for sums over whole maps: half as many lanes.
using DD = hn::CappedTag<double, 8>;
using VD = hn::Vec<DD>;
inline constexpr std::int64_t kDoubleLanes = static_cast<std::int64_t>(hn::MaxLanes(DD()));

/// The first `lanes` floats at p as doubles, zero-padded.
HWY_INLINE VD load_doubles(const float* HWY_RESTRICT p, std::int64_t lanes) {
  const hn::Rebind<float, DD> floats;
  if (HWY_LIKELY(lanes >= kDoubleLanes)) return hn::PromoteTo(DD(), hn::LoadU(floats, p));
  alignas(32) float values[kDoubleLanes] = {};
  for (std::int64_t i = 0; i < lanes; ++i) values[i] = p[i];
  return hn::PromoteTo(DD(), hn::Load(floats, values));
}

HWY_INLINE void store_as_floats(VD v, float* HWY_RESTRICT p, std::int64_t lanes) {
  const hn::Rebind<float, DD> floats;
  const auto rounded = hn::DemoteTo(floats, v);
  if (HWY_LIKELY(lanes >= kDoubleLanes)) return hn::StoreU(rounded, floats, p);
  alignas(32) float values[kDoubleLanes];
  hn::Store(rounded, floats, values);
  for (std::int64_t i = 0; i < lanes; ++i) p[i] = values[i];
}

HWY_INLINE double sum_of_lanes(VD v) { return hn::GetLane(hn::SumOfLanes(DD(), v)); }

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
