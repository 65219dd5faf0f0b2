#include "tests/reference/batch_norm.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {

Statistics statistics(const kernels::BatchNormProblem& p, std::span<const double> in) {
  Statistics result;
  const auto channels = static_cast<std::size_t>(p.c);
  const auto count = static_cast<double>(p.n * p.h * p.w);
  for (std::size_t c = 0; c < channels; ++c) {
    double mean = 0, variance = 0;
    for (std::size_t k = c; k < in.size(); k += channels) mean += in[k] / count;
    for (std::size_t k = c; k < in.size(); k += channels) variance += (in[k] - mean) * (in[k] - mean) / count;
    result.mean.push_back(mean);
    result.inv_std.push_back(1 / std::sqrt(variance + 1e-5));
  }
  return result;
}

std::vector<double> batch_norm(const kernels::BatchNormProblem& p, std::span<const double> in,
                               std::span<const double> gamma, std::span<const double> beta) {
  const Statistics s = statistics(p, in);
  std::vector<double> out;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const std::size_t c = k % static_cast<std::size_t>(p.c);
    out.push_back(gamma[c] * (in[k] - s.mean[c]) * s.inv_std[c] + beta[c]);
  }
  return out;
}

}  // namespace sapnet::reference
