// Processes channels in blocks whose argmax values share a word.
#include "kernels/max_pool/max_pool.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/max_pool/max_pool.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/simd-inl.h"

#ifndef SAPNET_MAX_POOL_WORDS  // shared by all instruction sets
#define SAPNET_MAX_POOL_WORDS
namespace sapnet::kernels::cpu {

template <int kKernel>
constexpr int kPerWord = 32 / argmax_bits(kKernel);

/// Multipliers that shift each argmax to its bits in the word: not every SIMD instruction set has per-lane
/// shifts.
template <int kKernel>
constexpr auto kFieldShifts = [] {
  std::array<std::uint32_t, kPerWord<kKernel>> shifts{};
  for (int i = 0; i < kPerWord<kKernel>; ++i)
    shifts[static_cast<std::size_t>(i)] = 1U << argmax_bits(kKernel) * i;
  return shifts;
}();

}  // namespace sapnet::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// The range of window positions along one axis that lie inside the map: [begin, end).
struct ClippedWindow {
  int begin, end;

  ClippedWindow(std::int64_t start, std::int64_t size, int kernel)
      : begin(static_cast<int>(std::max<std::int64_t>(-start, 0))),
        end(static_cast<int>(std::min<std::int64_t>(size - start, kernel))) {}
};

/// One vector of channels of one output, `channels` of them valid; returns their packed argmax in the low
/// bits of a word. in: the first element of the window, which may lie outside the map.
template <int kKernel, class Tag>
HWY_INLINE std::uint32_t pool_lanes(Tag tag, const MaxPoolProblem& p, const ClippedWindow& rows,
                                    const ClippedWindow& columns, std::int64_t channels, const float* in,
                                    float* out) {
  const hn::RebindToUnsigned<Tag> words;
  const auto at = [&](int a, int b) { return load_lanes(tag, in + (a * p.w + b) * p.c, channels); };
  const auto position = [&](int a, int b) {
    return hn::Set(words, static_cast<std::uint32_t>(a * kKernel + b));
  };
  auto best = at(rows.begin, columns.begin);
  auto best_position = position(rows.begin, columns.begin);
  for (int a = rows.begin; a < rows.end; ++a) {
    for (int b = columns.begin; b < columns.end; ++b) {
      const auto value = at(a, b);
      const auto wins = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
      best = hn::IfThenElse(wins, value, best);
      best_position = hn::IfThenElse(hn::RebindMask(words, wins), position(a, b), best_position);
    }
  }
  store_lanes(tag, best, out, channels);
  if (channels < static_cast<std::int64_t>(hn::MaxLanes(tag)))
    best_position = hn::IfThenElseZero(first_lanes(words, channels), best_position);
  return hn::GetLane(
      hn::SumOfLanes(words, hn::Mul(best_position, hn::LoadU(words, kFieldShifts<kKernel>.data()))));
}

template <int kKernel>
void pool_row(const MaxPoolProblem& p, const MaxPoolArguments<>& a, std::int64_t image, std::int64_t y) {
  const hn::CappedTag<float, static_cast<std::size_t>(kPerWord<kKernel>)> tag;
  constexpr auto kTagLanes = static_cast<std::int64_t>(hn::MaxLanes(tag));
  const ClippedWindow rows(y * p.stride - p.padding, p.h, kKernel);
  for (std::int64_t x = 0; x < p.out_w(); ++x) {
    const ClippedWindow columns(x * p.stride - p.padding, p.w, kKernel);
    const float* const in =
        a.in + ((image * p.h + y * p.stride - p.padding) * p.w + x * p.stride - p.padding) * p.c;
    const std::int64_t pixel = (image * p.out_h() + y) * p.out_w() + x;
    for (std::int64_t word = 0; word < p.argmax_words(); ++word) {
      std::uint32_t argmax = 0;
      const std::int64_t first = word * kPerWord<kKernel>;
      for (std::int64_t i = 0; i < kPerWord<kKernel> && first + i < p.c; i += kTagLanes)
        argmax |= pool_lanes<kKernel>(tag, p, rows, columns, p.c - first - i, in + first + i,
                                      a.out + pixel * p.c + first + i)
                  << argmax_bits(kKernel) * i;
      if (a.argmax) a.argmax[pixel * p.argmax_words() + word] = argmax;
    }
  }
}

void max_pool_row(const MaxPoolProblem& p, const MaxPoolArguments<>& a, std::int64_t image, std::int64_t y) {
  p.kernel == 2 ? pool_row<2>(p, a, image, y) : pool_row<3>(p, a, image, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {

HWY_EXPORT(max_pool_row);

namespace {

/// The bit mask of each argmax in its word.
template <int kKernel>
constexpr auto kFields = [] {
  auto fields = kFieldShifts<kKernel>;
  for (std::uint32_t& field : fields) field *= (1U << argmax_bits(kKernel)) - 1;
  return fields;
}();

template <int kKernel>
void pool_backward(const MaxPoolProblem& p, const MaxPoolBackwardArguments<>& a) {
  parallel_for(p.n * p.h, [&](std::int64_t job) {
    const std::int64_t image = job / p.h, y = job % p.h;
    const auto rows = windows_over<std::int64_t>(y, kKernel, p.stride, p.padding, p.out_h());
    for (std::int64_t x = 0; x < p.w; ++x) {
      const auto columns = windows_over<std::int64_t>(x, kKernel, p.stride, p.padding, p.out_w());
      float* const din = a.din + (job * p.w + x) * p.c;
      std::fill_n(din, p.c, 0.0F);
      for (std::int64_t v = rows.begin; v < rows.end; ++v) {
        for (std::int64_t u = columns.begin; u < columns.end; ++u) {
          const std::int64_t pixel = (image * p.out_h() + v) * p.out_w() + u;
          const auto position = static_cast<std::uint32_t>((y + p.padding - v * p.stride) * kKernel + x +
                                                           p.padding - u * p.stride);
          const std::uint32_t position_in_all_fields = position * (~0U / kFields<kKernel>[0]);
          const float* const dout = a.dout + pixel * p.c;
          for (std::int64_t word = 0; word < p.argmax_words(); ++word) {
            const std::uint32_t mismatch = a.argmax[pixel * p.argmax_words() + word] ^ position_in_all_fields;
            const std::int64_t c = word * kPerWord<kKernel>;
            const std::int64_t channels = std::min<std::int64_t>(p.c - c, kPerWord<kKernel>);
#pragma omp simd
            for (std::int64_t i = 0; i < channels; ++i) {
              const float g = dout[c + i];  // unconditional load, so that the loop vectorises
              din[c + i] += (mismatch & kFields<kKernel>[static_cast<std::size_t>(i)]) == 0 ? g : 0;
            }
          }
        }
      }
    }
  });
}

}  // namespace

void max_pool(const Context& /*context*/, const MaxPoolProblem& problem,
              const MaxPoolArguments<>& arguments) {
  const std::int64_t rows = problem.out_h();
  parallel_for(problem.n * rows, [&](std::int64_t job) {
    HWY_DYNAMIC_DISPATCH(max_pool_row)(problem, arguments, job / rows, job % rows);
  });
}

void max_pool_backward(const Context& /*context*/, const MaxPoolProblem& problem,
                       const MaxPoolBackwardArguments<>& arguments) {
  problem.kernel == 2 ? pool_backward<2>(problem, arguments) : pool_backward<3>(problem, arguments);
}

}  // namespace sapnet::kernels::cpu
#endif
