// The block sizes of the streamed-rows kernels (kernels/conv2d/rows.cuh), for files that nvcc does not
// compile.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace sapnet::tests {

struct RowsBlock {
  std::string arguments;  // the kernels' first template arguments: "<float, 32, "
  int threads;
  std::array<std::size_t, 2> shared_bytes;  // dynamic, at dilation 1 and at the largest
};

std::vector<RowsBlock> rows_blocks();

}  // namespace sapnet::tests
