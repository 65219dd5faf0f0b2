#include "tests/reference/focal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sapnet::reference {

std::vector<std::int64_t> labels(const kernels::FocalProblem& p, std::span<const double> logits) {
  std::vector<std::int64_t> result;
  for (std::int64_t pixel = 0; pixel < p.pixels(); ++pixel) {
    std::int64_t label = 0;
    for (std::int64_t c = p.c - 1; c >= 0; --c)
      if (logits[static_cast<std::size_t>(pixel * p.c + c)] >=
          logits[static_cast<std::size_t>(pixel * p.c + label)])
        label = c;
    result.push_back(label);
  }
  return result;
}

double focal(const kernels::FocalProblem& p, std::span<const double> logits,
             std::span<const std::int64_t> labels) {
  double total = 0;
  for (std::int64_t pixel = 0; pixel < p.pixels(); ++pixel) {
    const auto of_pixel =
        logits.subspan(static_cast<std::size_t>(pixel * p.c), static_cast<std::size_t>(p.c));
    double sum = 0;
    for (const double logit : of_pixel) sum += std::exp(logit);
    const double probability =
        std::exp(of_pixel[static_cast<std::size_t>(labels[static_cast<std::size_t>(pixel)])]) / sum;
    const double q = std::clamp(probability, 1e-7, 1 - 1e-7);
    total += -p.alpha * std::pow(1 - q, p.gamma) * std::log(q);
  }
  return total / static_cast<double>(p.pixels());
}

}  // namespace sapnet::reference
