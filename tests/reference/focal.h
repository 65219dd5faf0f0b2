// Reference for the focal loss with pseudo-labels (kernels/focal/focal.h), in double precision.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/focal/focal.h"

namespace sapnet::reference {

/// The class of every pixel, (n, h, w): the argmax of its logits, the first if several are equal.
std::vector<std::int64_t> labels(const kernels::FocalProblem& problem, std::span<const double> logits);

/// logits: (n, h, w, c); labels: treated as constants.
double focal(const kernels::FocalProblem& problem, std::span<const double> logits,
             std::span<const std::int64_t> labels);

}  // namespace sapnet::reference
