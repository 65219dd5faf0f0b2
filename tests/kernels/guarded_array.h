// Arrays that detect out-of-bounds accesses of a kernel.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "tests/catch.h"
#include "tests/sanitizers.h"

#ifdef SAPNET_TEST_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace sapnet::tests {

/// Floats between two guard bands of NaN. An out-of-bounds read that is used makes the result NaN; a write
/// changes a band, which fails the test when the array is destroyed; under AddressSanitizer any access to a
/// band stops the test. The data is aligned to four bytes and no more, which is all that the contracts
/// promise to kernels.
class GuardedArray {
 public:
  /// NaN everywhere, so that an element that a kernel fails to write is noticed.
  explicit GuardedArray(std::size_t size)
      : size_(size), storage_(size + 2 * kBand, std::bit_cast<float>(kCanary)) {
    forbid_bands(true);
    if (data()) live().emplace(data(), size);
  }

  /// A copy of `values`.
  explicit GuardedArray(std::span<const float> values) : GuardedArray(values.size()) {
    std::copy(values.begin(), values.end(), data());
  }

  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;
  ~GuardedArray() noexcept(false) {  // with --abort, Catch throws at a failure
    live().erase(data());
    forbid_bands(false);
    if (std::uncaught_exceptions() == 0) CHECK(intact());
  }

  /// Null for an empty array; kernels take null for an absent argument.
  float* data() { return size_ == 0 ? nullptr : storage_.data() + kBand; }
  std::span<const float> values() const { return {storage_.data() + kBand, size_}; }

  /// The number of floats of the array with this data(), or 0 if there is no such array.
  static std::size_t size_at(const void* data) {
    const auto found = live().find(data);
    return found == live().end() ? 0 : found->second;
  }

 private:
  static constexpr std::size_t kBand = (1 << 14) + 1;    // a few rows of most maps; odd, see above
  static constexpr std::uint32_t kCanary = 0x7FC0BEEFU;  // a NaN that arithmetic never produces

  static std::map<const void*, std::size_t>& live() {
    static std::map<const void*, std::size_t> sizes;
    return sizes;
  }

  /// Whether both bands are unchanged.
  bool intact() const {
    const auto untouched = [](float value) { return std::bit_cast<std::uint32_t>(value) == kCanary; };
    const auto band = static_cast<std::ptrdiff_t>(kBand);
    return std::all_of(storage_.begin(), storage_.begin() + band, untouched) &&
           std::all_of(storage_.end() - band, storage_.end(), untouched);
  }

  void forbid_bands([[maybe_unused]] bool forbid) {
#ifdef SAPNET_TEST_ASAN
    for (float* band : {storage_.data(), storage_.data() + kBand + size_}) {
      if (forbid) {
        __asan_poison_memory_region(band, kBand * sizeof(float));
      } else {
        __asan_unpoison_memory_region(band, kBand * sizeof(float));
      }
    }
#endif
  }

  std::size_t size_;
  std::vector<float> storage_;
};

/// `count` independent values, uniform in [-limit, limit); the same on every machine.
inline std::vector<float> random_values(std::int64_t count, std::uint32_t seed, float limit = 1) {
  std::mt19937 generator(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = limit * (static_cast<float>(generator() >> 8) * 0x1p-23F - 1);
  return values;
}

inline std::vector<double> doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

}  // namespace sapnet::tests
