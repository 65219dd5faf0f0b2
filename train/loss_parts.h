// The parts that a loss is the sum of; train/losses.h states them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sapnet::train {

enum class LossPart { kSsim, kContrast, kDistance, kSegmentation, kCharbonnier };
inline constexpr std::array<std::string_view, 5> kLossPartNames = {"ssim", "contrast", "distance",
                                                                   "segmentation", "charbonnier"};

/// The parts' values, before their weights; nothing where one is not computed.
using LossParts = std::array<std::optional<double>, kLossPartNames.size()>;

inline std::size_t number_of_parts(const LossParts& parts) {
  std::size_t count = 0;
  for (const auto& part : parts) count += part ? 1 : 0;
  return count;
}

}  // namespace sapnet::train
