// Channels go in blocks of those whose winners share a word.
#include "kernels/max_pool/max_pool.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {
namespace {

template <int kKernel>
constexpr int kPerWord = 32 / winner_bits(kKernel);

/// The bits of each winner in its word: SIMD has these at hand, but may have no shift by as many bits as each
/// lane wants.
template <int kKernel>
constexpr auto kFields = [] {
  std::array<std::uint32_t, kPerWord<kKernel>> fields{};
  for (int i = 0; i < kPerWord<kKernel>; ++i)
    fields[static_cast<std::size_t>(i)] = ((1U << winner_bits(kKernel)) - 1) << winner_bits(kKernel) * i;
  return fields;
}();

/// `channels` channels of output (y, x) of an image, the first of its window's places at `in`.
template <int kKernel>
void pool_block(const MaxPoolProblem& p, std::int64_t y, std::int64_t x, std::int64_t channels,
                const float* in, float* out, std::uint32_t* winners) {
  float best[kPerWord<kKernel>] = {};
  std::uint32_t won[kPerWord<kKernel>] = {};
  bool first = true;
  for (int a = 0; a < kKernel; ++a) {
    for (int b = 0; b < kKernel; ++b) {
      const std::int64_t row = y * p.stride + a - p.padding, column = x * p.stride + b - p.padding;
      if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
      const float* const values = in + (row * p.w + column) * p.c;
      const auto place = static_cast<std::uint32_t>(a * kKernel + b);
      for (std::int64_t i = 0; i < channels; ++i) {
        const float value = values[i];
        // Without branches, so that it becomes SIMD.
        const bool wins = first | (value > best[i]) | (value != value);
        best[i] = wins ? value : best[i];
        won[i] = wins ? place : won[i];
      }
      first = false;
    }
  }
  std::copy_n(best, channels, out);
  if (!winners) return;
  *winners = 0;
  for (std::int64_t i = 0; i < channels; ++i) *winners |= won[i] << winner_bits(kKernel) * i;
}

template <int kKernel>
void pool(const MaxPoolProblem& p, const MaxPoolArguments& a) {
  parallel_for(p.n * p.out_h(), [&](std::int64_t job) {
    const float* const image = a.in + job / p.out_h() * p.h * p.w * p.c;
    for (std::int64_t x = 0; x < p.out_w(); ++x) {
      const std::int64_t pixel = job * p.out_w() + x;
      for (std::int64_t word = 0; word < p.winner_words(); ++word) {
        const std::int64_t c = word * kPerWord<kKernel>;
        pool_block<kKernel>(p, job % p.out_h(), x, std::min<std::int64_t>(p.c - c, kPerWord<kKernel>),
                            image + c, a.out + pixel * p.c + c,
                            a.winners ? a.winners + pixel * p.winner_words() + word : nullptr);
      }
    }
  });
}

template <int kKernel>
void pool_backward(const MaxPoolProblem& p, const MaxPoolBackwardArguments& a) {
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
          const auto place = static_cast<std::uint32_t>((y + p.padding - v * p.stride) * kKernel + x +
                                                        p.padding - u * p.stride);
          const std::uint32_t place_of_all = place * (~0U / kFields<kKernel>[0]);
          const float* const dout = a.dout + pixel * p.c;
          for (std::int64_t word = 0; word < p.winner_words(); ++word) {
            const std::uint32_t others = a.winners[pixel * p.winner_words() + word] ^ place_of_all;
            const std::int64_t c = word * kPerWord<kKernel>;
            const std::int64_t channels = std::min<std::int64_t>(p.c - c, kPerWord<kKernel>);
#pragma omp simd
            for (std::int64_t i = 0; i < channels; ++i) {
              const float g = dout[c + i];  // in any case: SIMD has no branches
              din[c + i] += (others & kFields<kKernel>[static_cast<std::size_t>(i)]) == 0 ? g : 0;
            }
          }
        }
      }
    }
  });
}

}  // namespace

void max_pool(const MaxPoolProblem& problem, const MaxPoolArguments& arguments) {
  problem.kernel == 2 ? pool<2>(problem, arguments) : pool<3>(problem, arguments);
}

void max_pool_backward(const MaxPoolProblem& problem, const MaxPoolBackwardArguments& arguments) {
  problem.kernel == 2 ? pool_backward<2>(problem, arguments) : pool_backward<3>(problem, arguments);
}

}  // namespace sapnet::kernels::cpu
