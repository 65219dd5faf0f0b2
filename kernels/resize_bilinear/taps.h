// The inputs of each output of bilinear resizing along one axis, and their weights. constexpr, so callable
// from device code.
//
// The centre of output y is at input position (y + 1/2) · in / out - 1/2, clamped at 0. Positions are
// multiples of 1 / (2 out), so they are computed exactly, as integers.
#pragma once

#include <cstdint>

namespace sapnet::kernels {

/// An output's two inputs, the same one twice at the far border. `high_weight` is the weight of `high`, 1 -
/// high_weight that of `low`.
struct ResizeTaps {
  std::int64_t low, high;
  float high_weight;

  /// W of resize_bilinear.h, for this output and any input.
  constexpr float weight(std::int64_t input) const {
    return (input == low ? 1 - high_weight : 0) + (input == high ? high_weight : 0);
  }
};

constexpr ResizeTaps resize_taps(std::int64_t in, std::int64_t out, std::int64_t index) {
  const std::int64_t unit = 2 * out, centre = (2 * index + 1) * in - out, at = centre < 0 ? 0 : centre;
  const std::int64_t low = at / unit;
  return {low, low + 1 < in ? low + 1 : low, static_cast<float>(at % unit) / static_cast<float>(unit)};
}

struct ResizeOutputs {
  std::int64_t begin, end;
};

/// The outputs that an input contributes to: those whose centre is less than 1 away.
constexpr ResizeOutputs outputs_of(std::int64_t in, std::int64_t out, std::int64_t index) {
  const std::int64_t unit = 2 * in;  // the coefficient of the output in this inequality
  const std::int64_t below = (2 * index - 1) * out - in, above = (2 * index + 3) * out - in;
  const std::int64_t end = above <= 0 ? 0 : (above - 1) / unit + 1;
  return {below < 0 ? 0 : below / unit + 1, end < out ? end : out};
}

}  // namespace sapnet::kernels
