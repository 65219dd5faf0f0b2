#include "model/init.h"

#include <array>
#include <cmath>
#include <numbers>

#include "engine/random.h"

namespace sapnet::model {
namespace {

/// The k-th block of four random words of the parameter.
std::array<std::uint32_t, 4> words(std::uint64_t seed, std::uint32_t parameter, std::size_t k) {
  constexpr std::uint32_t kWeights = 0xffffffff;  // data augmentation counts up from 0 here
  return engine::philox4x32({static_cast<std::uint32_t>(k), parameter, kWeights, 0},
                            {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

}  // namespace

std::vector<float> init_uniform(std::uint64_t seed, std::uint32_t parameter, std::size_t count,
                                double limit) {
  std::vector<float> values(count);
  for (std::size_t k = 0; k < count; ++k)
    values[k] = static_cast<float>(limit) * (2 * engine::uniform(words(seed, parameter, k / 4)[k % 4]) - 1);
  return values;
}

std::vector<float> init_normal(std::uint64_t seed, std::uint32_t parameter, std::size_t count,
                               double deviation) {
  std::vector<float> values(count);
  for (std::size_t k = 0; k < count; k += 2) {  // Box and Muller 1958: two words give two numbers
    const auto four = words(seed, parameter, k / 4);
    const double radius =
        deviation * std::sqrt(-2 * std::log((static_cast<double>(four[k % 4]) + 1) * 0x1p-32));
    const double angle = 2 * std::numbers::pi * static_cast<double>(four[k % 4 + 1]) * 0x1p-32;
    values[k] = static_cast<float>(radius * std::cos(angle));
    if (k + 1 < count) values[k + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return values;
}

}  // namespace sapnet::model
