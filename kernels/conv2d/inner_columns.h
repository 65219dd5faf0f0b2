// Output columns that need no padding.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels::cpu {

/// The output columns [begin, end) all of whose taps lie inside the row.
struct InnerColumns {
  std::int64_t begin, end;

  explicit InnerColumns(const Conv2dProblem& p)
      : begin(std::min((p.padding + p.stride - 1) / p.stride, p.out_w())) {
    const std::int64_t last_start = p.w - 1 - p.dilation * (p.kernel - 1) + p.padding;
    end = std::clamp(last_start < 0 ? 0 : last_start / p.stride + 1, begin, p.out_w());
  }
};

}  // namespace sapnet::kernels::cpu
