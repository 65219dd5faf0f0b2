// Reference for max pooling (kernels/max_pool/max_pool.h).
#pragma once

#include <span>
#include <vector>

#include "kernels/max_pool/max_pool.h"

namespace sapnet::reference {

struct Pooled {
  std::vector<double> out;
  std::vector<int> argmax;  // of each output's window: row · kernel + column
};

Pooled max_pool(const kernels::MaxPoolProblem& problem, std::span<const double> in);

}  // namespace sapnet::reference
