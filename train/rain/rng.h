// Counter-based random numbers for rain and training data. Each consumer has its own stream, so its numbers
// do not depend on what others draw.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/random.h"

namespace sapnet::train {

/// The consumers. Their streams are independent.
enum class Stream : std::uint32_t {
  kWeather = 0,
  kMist = 1,
  kOrder = 2,       // the order of samples in an epoch
  kPatch = 3,       // position, flips and rain of a patch
  kValidation = 4,  // rain on validation images
  kSublayer = 5,    // additive rain: common properties of a sublayer's streaks
  kCamera = 6,      // photo rain: defocus, haze, tone, compression
  kNoise = 7,       // photo rain: sensor noise
  kLayer = 16,      // layer 0 of streaks; layer k is kLayer + k
};

/// A random number generator (Philox); equal (seed, stream, index, epoch) give equal numbers.
class Rng {
 public:
  Rng(std::uint64_t seed, Stream stream, std::uint32_t index, std::uint32_t epoch = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        counter_{index, static_cast<std::uint32_t>(stream), 0, epoch} {}

  std::uint32_t bits() {
    if (used_ == block_.size()) {
      block_ = engine::philox4x32(counter_, key_);
      ++counter_[2];
      used_ = 0;
    }
    return block_[used_++];
  }

  /// Uniform in [low, high).
  float between(float low, float high) { return low + (high - low) * engine::uniform(bits()); }

  /// Triangular distribution on [-largest, largest], with its peak at 0.
  float deviation(float largest) {
    const float down = between(-largest, 0);
    return down + between(0, largest);
  }

  /// Uniform in 0 … count - 1, with a bias of at most count / 2³².
  std::uint32_t below(std::uint32_t count) {
    return static_cast<std::uint32_t>(std::uint64_t{bits()} * count >> 32);
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace sapnet::train
