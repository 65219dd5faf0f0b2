#include "kernels/simd.h"

#include <string_view>

#include "kernels/simd_targets.h"
// Included after simd_targets.h, so that HWY_TARGETS is what the kernels were compiled for.
#include <hwy/highway.h>
#include <hwy/targets.h>

namespace sapnet::kernels {
namespace {

std::vector<std::int64_t> bits(std::int64_t mask) {
  std::vector<std::int64_t> targets;
  for (; mask != 0; mask &= mask - 1) targets.push_back(mask & -mask);
  return targets;
}

}  // namespace

std::vector<std::int64_t> simd_targets() { return bits(hwy::SupportedTargets() & HWY_TARGETS); }

std::vector<std::int64_t> missing_simd_targets() { return bits(HWY_TARGETS & ~hwy::SupportedTargets()); }

void use_simd_target(std::int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::string simd_name(std::int64_t target) {
  const std::string name = hwy::TargetName(target);
  constexpr std::string_view kHighwaysAvx512 = "AVX3";  // possibly followed by a suffix
  return name.starts_with(kHighwaysAvx512) ? "AVX-512" + name.substr(kHighwaysAvx512.size()) : name;
}

}  // namespace sapnet::kernels
