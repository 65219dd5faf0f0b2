// Windows that step along one axis of a map, with padding around it: those of convolutions and of pooling.
#pragma once

#include <cstdint>

namespace sapnet::kernels {

/// How many windows of `size` places there are; 0 where not even one fits.
constexpr std::int64_t window_count(std::int64_t in, std::int64_t size, std::int64_t stride,
                                    std::int64_t padding) {
  const std::int64_t room = in + 2 * padding - size;
  return room < 0 ? 0 : room / stride + 1;  // division would round towards zero, and so up
}

/// Int: as wide as the numbers are; GPUs divide 32 bits much sooner than 64.
template <class Int>
struct WindowRange {
  Int begin, end;
};

/// Those of `count` windows that a place of the map lies in.
template <class Int>
constexpr WindowRange<Int> windows_over(Int place, Int size, Int stride, Int padding, Int count) {
  const Int padded = place + padding, last = padded / stride;
  return {padded < size ? 0 : (padded - size) / stride + 1, last < count ? last + 1 : count};
}

}  // namespace sapnet::kernels
