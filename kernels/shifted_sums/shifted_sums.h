// The nine shifted sums of a map, which give the mean of any 3×3 convolution of it before the convolution
// runs. With padding = dilation d and S_k the sum of the input as seen by tap k = 3a + b,
//
//   S_k = Σ_{y,x} in[y + (a-1)·d, x + (b-1)·d]   over all output positions (y, x), zero outside the map,
//   mean of conv(in)_o = bias_o + Σ_{i,k} weight[o, i, k] · S_k[i] / (h·w)
//
// because sum and convolution are both linear. Seen from the input, element (y', x') counts in S_k if and
// only if the corresponding output position (y' - (a-1)·d, x' - (b-1)·d) lies in the map:
//
//   rows:     a = 0: y' < h - d     a = 1: always     a = 2: y' >= d
//   columns:  b = 0: x' < w - d     b = 1: always     b = 2: x' >= d
//
// This depends only on the element's position. So a kernel that computes part of a map can write the partial
// sums of that part, in any partition that suits the device, and the consumer adds up the partials.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct ShiftedSumsProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;
  std::int64_t dilation = 1;  // of the convolution that the sums are for
};

/// T: storage type of the map, float or, on a GPU, Half.
template <class T = float>
struct ShiftedSumsArguments {
  const T* in = nullptr;  // (n, h, w, c)
  float* out = nullptr;   // (n, shifted_sums_partials(context, h), 9, c); the partials add up to S_k

  static auto arrays(auto& a) { return std::tie(a.in, a.out); }
};

namespace cpu {

/// Number of partials per image of h rows; every CPU operation writes one per row.
inline std::int64_t shifted_sums_partials(const Context& /*context*/, std::int64_t h) { return h; }

void shifted_sums(const Context& context, const ShiftedSumsProblem& problem,
                  const ShiftedSumsArguments<>& arguments);

}  // namespace cpu

namespace cuda {

std::int64_t shifted_sums_partials(const Context& context, std::int64_t h);

template <class T>
void shifted_sums(const Context& context, const ShiftedSumsProblem& problem,
                  const ShiftedSumsArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
