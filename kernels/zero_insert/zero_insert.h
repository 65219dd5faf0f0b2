// Inserts zeros between the pixels of a map, the adjoint of subsampling with a stride:
//
//   out[n, y, x, c] = in[n, y / s, x / s, c] if s divides y and x and that pixel exists, else 0
//
// Maps are NHWC, dense, fp32 or, on a GPU, fp16.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

struct ZeroInsertProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;  // of `in`
  std::int64_t stride = 1;
  std::int64_t out_h = 0, out_w = 0;  // of `out`; at least (h - 1) · stride + 1 and (w - 1) · stride + 1
};

/// T: storage type of the maps, float or, on a GPU, Half.
template <class T = float>
struct ZeroInsertArguments {
  const T* in = nullptr;  // (n, h, w, c)
  T* out = nullptr;       // (n, out_h, out_w, c); must not overlap `in`

  static auto arrays(auto& a) { return std::tie(a.in, a.out); }
};

namespace cpu {

void zero_insert(const Context& context, const ZeroInsertProblem& problem,
                 const ZeroInsertArguments<>& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void zero_insert(const Context& context, const ZeroInsertProblem& problem,
                 const ZeroInsertArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
