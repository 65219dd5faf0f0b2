#include "kernels/attended_conv/attended_conv.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sapnet::kernels::cpu {
namespace {

/// One image's shifted sums, (9, c), from their parts, (parts, 9, c).
std::vector<double> add_parts(const float* part, std::int64_t parts, std::int64_t c) {
  std::vector<double> sums(static_cast<std::size_t>(9 * c), 0.0);
  for (std::int64_t k = 0; k < parts; ++k)
    for (double& sum : sums) sum += static_cast<double>(*part++);
  return sums;
}

double dot(const float* row, const std::vector<double>& vector) {
  double sum = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) sum += static_cast<double>(row[i]) * vector[i];
  return sum;
}

}  // namespace

void attention_scale(const AttendedConvProblem& p, const AttendedConvArguments& a, float* scale) {
  const auto channels = static_cast<std::size_t>(p.c);
  std::vector<double> mean(channels), hidden(static_cast<std::size_t>(p.hidden));
  for (std::int64_t image = 0; image < p.n; ++image) {
    const std::vector<double> sums = add_parts(a.shifted_sums + image * a.parts * 9 * p.c, a.parts, p.c);
    for (std::size_t o = 0; o < channels; ++o) {
      double sum = 0;
      for (std::size_t i = 0; i < channels; ++i)
        for (std::size_t tap = 0; tap < 9; ++tap)
          sum += static_cast<double>(a.weight[(o * channels + i) * 9 + tap]) * sums[tap * channels + i];
      mean[o] = static_cast<double>(a.bias[o]) + sum / static_cast<double>(p.h * p.w);
    }
    for (std::size_t j = 0; j < hidden.size(); ++j) hidden[j] = std::max(0.0, dot(a.w1 + j * channels, mean));
    for (std::size_t o = 0; o < channels; ++o) {
      const double logit = dot(a.w2 + o * hidden.size(), hidden) + dot(a.w3 + o * channels, mean);
      *scale++ = static_cast<float>(1 / (1 + std::exp(-logit)));
    }
  }
}

void attended_conv(const AttendedConvProblem& p, Conv2dAlgorithm algorithm, const AttendedConvArguments& a) {
  std::vector<float> scale(static_cast<std::size_t>(p.n * p.c));
  attention_scale(p, a, scale.data());
  // The scale is positive, so scaling before the ReLU is scaling after it.
  conv2d(p.conv(), algorithm,
         {.in = {a.in, nullptr},
          .weight = a.packed,
          .bias = a.bias,
          .scale = scale.data(),
          .residual = a.residual,
          .relu = true,
          .out = a.out,
          .shifted_sums = a.out_shifted_sums,
          .sums_dilation = p.next_dilation});
}

}  // namespace sapnet::kernels::cpu
