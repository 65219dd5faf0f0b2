// Weights in the layout that a device's kernels read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::engine {

/// pack(T*) writes `size` numbers on the host.
template <class T, class Pack>
Tensor packed_weights(std::int64_t size, Device device, const Pack& pack) {
  std::vector<T> packed(static_cast<std::size_t>(size));
  pack(packed.data());
  return from_host(std::span<const T>(packed), {1, 1, 1, size}, device);
}

/// The indices of `count` weights: 1, 2, 3, … Packed in place of the weights, they are the table for
/// pack_by_gather. Throws Error if there are more than std::int32_t can count.
std::vector<std::int32_t> weight_indices(std::int64_t count);

/// The index table of `packed`, on its device, stored as raw bits in a float tensor. pack(std::int32_t*)
/// writes as many indices on the host as `packed` has elements.
template <class Pack>
Tensor packed_indices(const Tensor& packed, const Pack& pack) {
  const auto size = static_cast<std::size_t>(packed.shape().count());
  std::vector<std::int32_t> indices(size);
  pack(indices.data());
  std::vector<float> bits(size);
  std::memcpy(bits.data(), indices.data(), size * sizeof(float));
  return from_host(bits, packed.shape(), packed.device());
}

/// Repacks weights that have changed, on the GPU that all three are on, without host involvement; `packed`
/// keeps its address, which captured graphs rely on.
void pack_by_gather(const Tensor& weight, const Tensor& indices, Tensor& packed);

}  // namespace sapnet::engine
