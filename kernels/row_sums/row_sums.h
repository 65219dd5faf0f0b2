// Sums of a map's rows, from which the mean of any 3×3 convolution of the map follows without computing it:
// the mean of a zero-padded convolution is linear in the nine sums of its shifted input, and each of those
// is a total minus strips along the border that are `dilation` wide.
#pragma once

#include <cstdint>

namespace sapnet::kernels {

struct RowSumsProblem {
  std::int64_t n = 1, h = 0, w = 0, c = 0;
  std::int64_t dilation = 1;  // of the convolution that the sums are for
};

namespace cpu {

/// in: (n, h, w, c). out: (n, h, 3, c): of each row the sum of all columns, of its first min(dilation, w)
/// columns, and of its last min(dilation, w) columns.
void row_sums(const RowSumsProblem& problem, const float* in, float* out);

}  // namespace cpu
}  // namespace sapnet::kernels
