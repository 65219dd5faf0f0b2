// Max pooling: the maximum of each channel over each window,
//
//   out[n, y, x, c] = max_{a,b} in[n, y·stride + a - padding, x·stride + b - padding, c],   0 ≤ a, b < kernel
//
// over the positions inside the map; padding never wins. The first of equal values by (a, b) wins; a NaN wins
// over numbers and over an earlier NaN, as in PyTorch. The backward pass needs only the argmax:
//
//   din[n, y, x, c] = Σ dout[n, v, u, c] over the windows (v, u) whose argmax in channel c is (y, x)
//
// Maps are NHWC, dense, fp32 or, on a GPU, fp16.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"
#include "kernels/windows.h"

namespace sapnet::kernels {

/// Bits of a packed argmax, the position a·kernel + b in its window.
constexpr int argmax_bits(std::int64_t kernel) { return kernel == 2 ? 2 : 4; }

struct MaxPoolProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;           // of the input
  std::int64_t kernel = 2, stride = 2, padding = 0;  // kernel: 2 or 3; padding: at most half of it

  /// 0 if the kernel is larger than the padded input.
  constexpr std::int64_t out_h() const { return window_count(h, kernel, stride, padding); }
  constexpr std::int64_t out_w() const { return window_count(w, kernel, stride, padding); }

  /// Words of packed argmax per output pixel. Channel c is in word c / per_word, from bit argmax_bits(kernel)
  /// · (c % per_word) on, where per_word = 32 / argmax_bits(kernel). Bits past the last channel are zero.
  constexpr std::int64_t argmax_words() const {
    const std::int64_t per_word = 32 / argmax_bits(kernel);
    return (c + per_word - 1) / per_word;
  }
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct MaxPoolArguments {
  const T* in = nullptr;            // (n, h, w, c)
  T* out = nullptr;                 // (n, out_h, out_w, c); must not alias `in`
  std::uint32_t* argmax = nullptr;  // (n, out_h, out_w, argmax_words), or null if not wanted

  static auto arrays(auto& a) { return std::tie(a.in, a.out, a.argmax); }
};

template <class T = float>
struct MaxPoolBackwardArguments {
  const T* dout = nullptr;                // (n, out_h, out_w, c)
  const std::uint32_t* argmax = nullptr;  // as max_pool wrote them
  T* din = nullptr;                       // (n, h, w, c); must not alias `dout`

  static auto arrays(auto& a) { return std::tie(a.dout, a.argmax, a.din); }
};

namespace cpu {

void max_pool(const Context& context, const MaxPoolProblem& problem, const MaxPoolArguments<>& arguments);

void max_pool_backward(const Context& context, const MaxPoolProblem& problem,
                       const MaxPoolBackwardArguments<>& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void max_pool(const Context& context, const MaxPoolProblem& problem, const MaxPoolArguments<T>& arguments);

/// Accumulates in fp32.
template <class T>
void max_pool_backward(const Context& context, const MaxPoolProblem& problem,
                       const MaxPoolBackwardArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
