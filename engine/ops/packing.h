// Weights in the order that a device's kernels read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::engine {

/// pack(T*) writes `size` numbers on the host.
template <class T, class Pack>
Tensor packed_weights(std::size_t size, Device device, const Pack& pack) {
  std::vector<T> packed(size);
  pack(packed.data());
  return from_host(std::span<const T>(packed), {1, 1, 1, static_cast<std::int64_t>(size)}, device);
}

/// A packing that moves numbers and does not change them is a table: where each packed number is found among
/// the weights, counted from 1, or 0 for padding. It shows when the places themselves are packed in the
/// weights' stead, as two digits, which fp16 holds exactly too.
struct Digits {
  Tensor high, low;
};

/// The places of weights of that shape. Throws Error when there are too many.
Digits place_digits(const Shape& weight, Device device);

/// The table, of the digits as they were packed.
Tensor places(const Tensor& packed_high, const Tensor& packed_low);

/// Packs weights that have changed, on the GPU that all three lie on: neither the host nor its memory takes
/// part, and `packed` stays where graphs read it.
void pack_by_places(const Tensor& weight, const Tensor& places, Tensor& packed);

}  // namespace sapnet::engine
