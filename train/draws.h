// Random numbers of training and of rain: what is drawn for one thing does not depend on what else was drawn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/random.h"

namespace sapnet::train {

/// What the draws are for. Each kind has numbers of its own.
enum class Stream : std::uint32_t {
  kWeather = 0,
  kMist = 1,
  kOrder = 2,       // of an epoch's samples
  kPatch = 3,       // its place, its flips, its rain
  kValidation = 4,  // the rain of a picture that training is judged by
  kSublayer = 5,    // of additive rain: what its streaks have in common
  kCamera = 6,      // of rain in photos: defocus, haze, tone, compression
  kNoise = 7,       // and its sensor noise
  kLayer = 16,      // and one more for each further layer of streaks
};

/// The random numbers of one thing: the same for the same (seed, stream, index, epoch).
class Draws {
 public:
  Draws(std::uint64_t seed, Stream stream, std::uint32_t index, std::uint32_t epoch = 0)
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

  float between(float low, float high) { return low + (high - low) * engine::uniform(bits()); }

  // Triangular around 0: small deviations are likelier than large ones.
  float deviation(float largest) {
    const float down = between(-largest, 0);
    return down + between(0, largest);
  }

  /// 0 to count - 1, each as likely as the others to count / 2³².
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
