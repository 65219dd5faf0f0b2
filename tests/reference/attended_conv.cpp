#include "tests/reference/attended_conv.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace sapnet::reference {

Attended attend(const kernels::AttendedConvProblem& p, std::span<const double> sum,
                std::span<const double> w1, std::span<const double> w2, std::span<const double> w3,
                std::span<const double> residual) {
  const auto channels = static_cast<std::size_t>(p.c), hidden = static_cast<std::size_t>(p.hidden);
  const auto pixels = static_cast<std::size_t>(p.h * p.w);
  Attended result;
  std::vector<double> means, all_squeezed;
  for (std::size_t n = 0; n < static_cast<std::size_t>(p.n); ++n) {
    std::vector<double> mean(channels), squeezed(hidden);
    for (std::size_t pixel = 0; pixel < pixels; ++pixel)
      for (std::size_t c = 0; c < channels; ++c)
        mean[c] += sum[(n * pixels + pixel) * channels + c] / static_cast<double>(pixels);
    for (std::size_t j = 0; j < hidden; ++j) {
      for (std::size_t c = 0; c < channels; ++c) squeezed[j] += w1[j * channels + c] * mean[c];
      squeezed[j] = std::max(squeezed[j], 0.0);
    }
    for (std::size_t c = 0; c < channels; ++c) {
      double logit = 0;
      for (std::size_t j = 0; j < hidden; ++j) logit += w2[c * hidden + j] * squeezed[j];
      for (std::size_t k = 0; k < channels; ++k) logit += w3[c * channels + k] * mean[k];
      result.scale.push_back(1 / (1 + std::exp(-logit)));
    }
    means.insert(means.end(), mean.begin(), mean.end());
    all_squeezed.insert(all_squeezed.end(), squeezed.begin(), squeezed.end());
  }
  for (const auto* part : {&result.scale, &means, &all_squeezed})
    result.statistics.insert(result.statistics.end(), part->begin(), part->end());
  result.out = finish(p.conv(), sum, result.scale, residual, true);
  return result;
}

AttendedConv attended_conv(const kernels::AttendedConvProblem& p, std::span<const float> in,
                           std::span<const float> weight, std::span<const float> bias,
                           std::span<const float> w1, std::span<const float> w2, std::span<const float> w3,
                           std::span<const float> residual) {
  const auto exact = [](std::span<const float> values) {
    return std::vector<double>(values.begin(), values.end());
  };
  Convolution conv = convolve(p.conv(), {in, {}}, weight, bias);
  Attended attended = attend(p, conv.sum, exact(w1), exact(w2), exact(w3), exact(residual));
  return {std::move(attended), std::move(conv)};
}

}  // namespace sapnet::reference
