// Reference for batch normalisation (kernels/batch_norm/batch_norm.h), in double precision.
#pragma once

#include <span>
#include <vector>

#include "kernels/batch_norm/batch_norm.h"

namespace sapnet::reference {

struct Statistics {
  std::vector<double> mean, inv_std;  // (c)
};

Statistics statistics(const kernels::BatchNormProblem& problem, std::span<const double> in);

/// Without residual and ReLU.
std::vector<double> batch_norm(const kernels::BatchNormProblem& problem, std::span<const double> in,
                               std::span<const double> gamma, std::span<const double> beta);

}  // namespace sapnet::reference
