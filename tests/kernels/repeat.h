// Runs a kernel in several configurations that must give the same result.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/kernels/close.h"
#include "tests/sanitizers.h"

#if __has_include(<emulated_gpu.h>)
#include "tests/cuda_emulator/helpers.h"
#endif

namespace sapnet::tests {

/// While it lives, kernels run in one of kConfigurations: a number of threads, and an execution order of the
/// emulated GPU.
class Configuration {
 public:
  static constexpr int kConfigurations = 3;

  explicit Configuration(int index);
  ~Configuration();
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  static std::string name(int index);

 private:
  int threads_before_;
#if __has_include(<emulated_gpu.h>)
  Restored schedule_before_;
#endif
};

/// Calls `run`, which returns the arrays that a kernel wrote, in every configuration; fails the test unless
/// all are bitwise equal. Returns the first. Under ThreadSanitizer, which is slow, one configuration is
/// enough.
template <class Run>
std::vector<std::vector<float>> run_repeatedly(const Run& run) {
  std::vector<std::vector<float>> first;
#ifdef SAPNET_TEST_TSAN
  constexpr int kFirst = Configuration::kConfigurations - 1;
#else
  constexpr int kFirst = 0;
#endif
  for (int k = kFirst; k < Configuration::kConfigurations; ++k) {
    const Configuration configuration(k);
    std::vector<std::vector<float>> written = run();
    for (std::size_t i = 0; i < first.size(); ++i)
      check_same_bits(Configuration::name(k), first[i], written[i]);
    if (first.empty()) first = std::move(written);
  }
  return first;
}

/// A copy that outlives its guarded array.
template <class Array>
std::vector<float> copy(const Array& array) {
  return {array.values().begin(), array.values().end()};
}

}  // namespace sapnet::tests
