// Sliding windows along one axis of a padded map, for convolution and pooling.
#pragma once

#include <cstdint>

namespace sapnet::kernels {

/// The number of windows of `size` positions; 0 if none fits.
constexpr std::int64_t window_count(std::int64_t in, std::int64_t size, std::int64_t stride,
                                    std::int64_t padding) {
  const std::int64_t room = in + 2 * padding - size;
  return room < 0 ? 0 : room / stride + 1;  // negative: division would round towards zero
}

/// Int: int where it is wide enough, because 32-bit division is much faster on GPUs.
template <class Int>
struct WindowRange {
  Int begin, end;
};

/// The windows, out of `count`, that contain a position of the map.
template <class Int>
constexpr WindowRange<Int> windows_over(Int position, Int size, Int stride, Int padding, Int count) {
  const Int padded = position + padding, last = padded / stride;
  return {padded < size ? 0 : (padded - size) / stride + 1, last < count ? last + 1 : count};
}

}  // namespace sapnet::kernels
