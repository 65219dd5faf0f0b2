// Weights in the order that a device's kernels read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/tensor.h"

namespace sapnet::engine {

/// pack(T*) writes `size` numbers on the host.
template <class T, class Pack>
Tensor packed_weights(std::size_t size, Device device, const Pack& pack) {
  std::vector<T> packed(size);
  pack(packed.data());
  return from_host(std::span<const T>(packed), {1, 1, 1, static_cast<std::int64_t>(size)}, device);
}

/// Where each packed number is found among `weights` weights, counted from 1, or 0 for padding, of a packing
/// that moves numbers and does not change them: pack(const float*, T*) writes `size` of them on the host.
/// What is packed to find out are the places themselves, as two digits, which fp16 holds exactly too.
template <class T, class Pack>
Tensor packed_places(std::int64_t weights, std::size_t size, Device device, const Pack& pack) {
  constexpr std::int64_t kBase = 2048;
  if (weights >= kBase * kBase)
    throw Error("a layer of " + std::to_string(weights) + " weights is too large to be trained on a GPU");
  std::vector<float> high, low;
  for (std::int64_t place = 1; place <= weights; ++place) {
    high.push_back(static_cast<float>(place / kBase));
    low.push_back(static_cast<float>(place % kBase));
  }
  const auto packed = [&](const std::vector<float>& digits) {
    const Tensor tensor = packed_weights<T>(size, Device::kCpu, [&](T* to) { pack(digits.data(), to); });
    return to_vector(tensor);
  };
  std::vector<float> places = packed(high);
  const std::vector<float> packed_low = packed(low);
  for (std::size_t k = 0; k < size; ++k) places[k] = static_cast<float>(kBase) * places[k] + packed_low[k];
  return from_host(places, {1, 1, 1, static_cast<std::int64_t>(size)}, device);
}

/// Packs weights that have changed, on the GPU that all three lie on: neither the host nor its memory takes
/// part, and `packed` stays where graphs read it.
void pack_by_places(const Tensor& weight, const Tensor& places, Tensor& packed);

}  // namespace sapnet::engine
