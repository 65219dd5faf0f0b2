// One thread per element: of the output in the forward pass, of the input in the backward pass.
#include <type_traits>

#include "kernels/elementwise.cuh"
#include "kernels/max_pool/max_pool.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// The problem in 32 bits.
struct Extents {
  int h, w, c, stride, padding, out_h, out_w, words;

  explicit Extents(const MaxPoolProblem& p)
      : h(static_cast<int>(p.h)),
        w(static_cast<int>(p.w)),
        c(static_cast<int>(p.c)),
        stride(static_cast<int>(p.stride)),
        padding(static_cast<int>(p.padding)),
        out_h(static_cast<int>(p.out_h())),
        out_w(static_cast<int>(p.out_w())),
        words(static_cast<int>(p.argmax_words())) {}
};

/// A block computes part of one output row. Channels are padded to whole words, so that those of one word are
/// in adjacent lanes, which combine their argmax with shuffles.
template <int kKernel, class T>
__global__ void __launch_bounds__(gpu::kElementThreads) pool(Extents p, MaxPoolArguments<T> a) {
  constexpr int kBits = argmax_bits(kKernel), kPerWord = 32 / kBits;
  const int k = gpu::element_of_row(), x = k / (p.words * kPerWord), c = k % (p.words * kPerWord);
  const int image = static_cast<int>(blockIdx.x) / p.out_h, y = static_cast<int>(blockIdx.x) % p.out_h;
  const std::int64_t pixel = static_cast<std::int64_t>(blockIdx.x) * p.out_w + x;
  int best_position = -1;
  if (x < p.out_w && c < p.c) {
    T best{};
#pragma unroll
    for (int i = 0; i < kKernel; ++i) {
#pragma unroll
      for (int j = 0; j < kKernel; ++j) {
        const int row = y * p.stride + i - p.padding, column = x * p.stride + j - p.padding;
        if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
        const T stored = a.in[(static_cast<std::int64_t>(image * p.h + row) * p.w + column) * p.c + c];
        const float value = gpu::to_float(stored);
        if (best_position >= 0 && !(value > gpu::to_float(best)) && value == value) continue;
        best = stored;
        best_position = i * kKernel + j;
      }
    }
    a.out[pixel * p.c + c] = best;
  }
  if (!a.argmax) return;
  std::uint32_t word =
      best_position < 0 ? 0 : static_cast<std::uint32_t>(best_position) << kBits * (c % kPerWord);
#pragma unroll
  for (int mask = 1; mask < kPerWord; mask *= 2) word |= gpu::shuffle_xor(word, mask);
  if (x < p.out_w && c % kPerWord == 0) a.argmax[pixel * p.words + c / kPerWord] = word;
}

template <int kKernel, class T>
struct PoolBackward {
  Extents p;
  MaxPoolBackwardArguments<T> a;

  __device__ void operator()(int row, int k) const {
    constexpr int kBits = argmax_bits(kKernel), kPerWord = 32 / kBits;
    const int x = k / p.c, c = k % p.c, image = row / p.h, y = row % p.h;
    const auto rows = windows_over(y, kKernel, p.stride, p.padding, p.out_h);
    const auto columns = windows_over(x, kKernel, p.stride, p.padding, p.out_w);
    float sum = 0;
    for (int v = rows.begin; v < rows.end; ++v) {
      for (int u = columns.begin; u < columns.end; ++u) {
        const std::int64_t pixel = static_cast<std::int64_t>(image * p.out_h + v) * p.out_w + u;
        const std::uint32_t word = a.argmax[pixel * p.words + c / kPerWord];
        const int position = (y + p.padding - v * p.stride) * kKernel + x + p.padding - u * p.stride;
        if (static_cast<int>(word >> kBits * (c % kPerWord) & ((1U << kBits) - 1)) == position)
          sum += gpu::to_float(a.dout[pixel * p.c + c]);
      }
    }
    a.din[static_cast<std::int64_t>(row) * p.w * p.c + k] = gpu::from_float<T>(sum);
  }
};

}  // namespace

template <class T>
void max_pool(const Context& context, const MaxPoolProblem& p, const MaxPoolArguments<T>& a) {
  const std::int64_t per_word = 32 / argmax_bits(p.kernel);
  gpu::launch(p.kernel == 2 ? pool<2, T> : pool<3, T>,
              gpu::row_blocks(p.n * p.out_h(), p.out_w() * p.argmax_words() * per_word), gpu::kElementThreads,
              0, context.stream, Extents(p), a);
}

template <class T>
void max_pool_backward(const Context& context, const MaxPoolProblem& p,
                       const MaxPoolBackwardArguments<T>& a) {
  const auto backward = [&]<int kKernel>(std::integral_constant<int, kKernel>) {
    gpu::for_each_element_of_rows(p.n * p.h, p.w * p.c, context.stream,
                                  PoolBackward<kKernel, T>{Extents(p), a});
  };
  p.kernel == 2 ? backward(std::integral_constant<int, 2>()) : backward(std::integral_constant<int, 3>());
}

SAPNET_INSTANTIATE(max_pool, const MaxPoolProblem&, MaxPoolArguments);
SAPNET_INSTANTIATE(max_pool_backward, const MaxPoolProblem&, MaxPoolBackwardArguments);

}  // namespace sapnet::kernels::cuda
