#include "kernels/conv2d/rows.cuh"
#include "tests/kernels/rows_blocks.h"

namespace sapnet::tests {
namespace {

namespace rows = kernels::cuda::rows;

/// Whether the same chunk of any eight adjacent rows is in different banks.
template <class T, int kIn>
constexpr bool without_bank_conflicts() {
  for (int first = 0; first < 8; ++first) {
    unsigned banks = 0;
    for (int row = first; row < first + 8; ++row)
      banks |= 1U << rows::element_at<T, kIn>(row, 0) / rows::kChunk<T> % 8;
    if (banks != 0xff) return false;
  }
  return true;
}

template <class T, int kIn>
RowsBlock block(const char* arguments) {
  static_assert(without_bank_conflicts<T, kIn>());
  using Rows = rows::Rows<T, kIn>;
  return {arguments, Rows::kThreads, {Rows::shared_bytes(1), Rows::shared_bytes(rows::max_dilation(kIn))}};
}

}  // namespace

std::vector<RowsBlock> rows_blocks() {
  return {block<float, 32>("<float, 32, "), block<float, 64>("<float, 64, "),
          block<kernels::Half, 32>("<Half, 32, "), block<kernels::Half, 64>("<Half, 64, ")};
}

}  // namespace sapnet::tests
