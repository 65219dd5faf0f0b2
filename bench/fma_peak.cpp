// Compiled once per instruction set, like the kernels whose limit it measures.
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/fma_peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "bench/machine.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Runs `rounds` of independent multiply-adds, enough in flight to hide their latency. Returns the number of
/// floating-point operations; `sink` receives the result, so that none is optimised away.
double multiply_add(std::int64_t rounds, float* sink) {
  const hn::CappedTag<float, 16> tag;
  using V = hn::Vec<decltype(tag)>;
  const V factor = hn::Set(tag, 0.999F), term = hn::Set(tag, 0.001F);
  V a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term;
  for (std::int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    d = hn::MulAdd(d, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
  }
  const V sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)),
                        hn::Add(hn::Add(e, f), hn::Add(hn::Add(g, h), hn::Add(i, j))));
  *sink = hn::GetLane(sum);
  return 2.0 * 10 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(tag));
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::bench {

HWY_EXPORT(multiply_add);

double fma_peak(int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t kRounds = 2'000'000;  // some 10 ms
  double best = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    std::vector<float> sinks(static_cast<std::size_t>(threads));
    std::vector<double> operations(sinks.size());
    const Clock::time_point start = Clock::now();
    {
      std::vector<std::jthread> others;
      for (std::size_t k = 1; k < sinks.size(); ++k)
        others.emplace_back(
            [&, k] { operations[k] = HWY_DYNAMIC_DISPATCH(multiply_add)(kRounds, &sinks[k]); });
      operations[0] = HWY_DYNAMIC_DISPATCH(multiply_add)(kRounds, &sinks[0]);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double total = 0;
    for (const double count : operations) total += count;
    best = std::max(best, total / seconds);
  }
  return best;
}

}  // namespace sapnet::bench
#endif
