// Reference for shifted_sums (kernels/shifted_sums/shifted_sums.h), by the definition of S_k, in double
// precision.
#pragma once

#include <span>
#include <vector>

#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::reference {

struct ShiftedSums {
  std::vector<double> sums;        // (n, 9, c)
  std::vector<double> magnitudes;  // the same sums of absolute values
};

/// in: (n, h, w, c).
ShiftedSums shifted_sums(const kernels::ShiftedSumsProblem& problem, std::span<const float> in);

}  // namespace sapnet::reference
