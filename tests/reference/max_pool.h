// Max pooling (kernels/max_pool/max_pool.h) as it is defined.
#pragma once

#include <span>
#include <vector>

#include "kernels/max_pool/max_pool.h"

namespace sapnet::reference {

struct Pooled {
  std::vector<double> out;
  std::vector<int> argmax;  // of each output's window: the row that won times the kernel plus the column
};

Pooled max_pool(const kernels::MaxPoolProblem& problem, std::span<const double> in);

}  // namespace sapnet::reference
