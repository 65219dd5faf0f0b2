// The parts of the training loss, which train/losses.h defines.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sapnet::train {

enum class LossPart { kSsim, kContrast, kLpips, kSegmentation, kCharbonnier };
inline constexpr std::array<std::string_view, 5> kLossPartNames = {"ssim", "contrast", "lpips",
                                                                   "segmentation", "charbonnier"};

/// The unweighted values of the parts; nullopt for a part that is not computed.
using LossParts = std::array<std::optional<double>, kLossPartNames.size()>;

inline std::size_t number_of_parts(const LossParts& parts) {
  std::size_t count = 0;
  for (const auto& part : parts) count += part ? 1 : 0;
  return count;
}

}  // namespace sapnet::train
