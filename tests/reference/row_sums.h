// row_sums (kernels/row_sums/row_sums.h) as its contract reads, in double precision.
#pragma once

#include <span>
#include <vector>

#include "kernels/row_sums/row_sums.h"

namespace sapnet::reference {

struct RowSums {
  std::vector<double> sums;        // (n, h, 3, c)
  std::vector<double> magnitudes;  // the same sums of absolute values
};

/// in: (n, h, w, c).
RowSums row_sums(const kernels::RowSumsProblem& problem, std::span<const float> in);

}  // namespace sapnet::reference
