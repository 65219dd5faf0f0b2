#include "kernels/attended_conv/attended_conv.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/attended_conv/conv_arguments.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {
namespace {

/// Sums one image's partial shifted sums, (partials, 9, c), to (9, c).
std::vector<double> add_partials(const float* part, std::int64_t partials, std::int64_t c) {
  std::vector<double> sums(static_cast<std::size_t>(9 * c), 0.0);
  for (std::int64_t k = 0; k < partials; ++k)
    for (double& sum : sums) sum += static_cast<double>(*part++);
  return sums;
}

double dot(const float* row, const std::vector<double>& vector) {
  double sum = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) sum += static_cast<double>(row[i]) * vector[i];
  return sum;
}

/// Computes the attention of one image, in double.
void attention(const AttendedConvProblem& p, const AttentionArguments& a, std::int64_t image,
               const AttentionStatistics<float>& to) {
  const auto channels = static_cast<std::size_t>(p.c);
  std::vector<double> mean(channels), squeezed(static_cast<std::size_t>(p.hidden));
  const std::vector<double> sums =
      add_partials(a.shifted_sums + image * a.partials * 9 * p.c, a.partials, p.c);
  for (std::size_t o = 0; o < channels; ++o) {
    double sum = 0;
    for (std::size_t i = 0; i < channels; ++i)
      for (std::size_t tap = 0; tap < 9; ++tap)
        sum += static_cast<double>(a.weight[(o * channels + i) * 9 + tap]) * sums[tap * channels + i];
    mean[o] = static_cast<double>(a.bias[o]) + sum / static_cast<double>(p.h * p.w);
    to.mean[image * p.c + static_cast<std::int64_t>(o)] = static_cast<float>(mean[o]);
  }
  for (std::size_t j = 0; j < squeezed.size(); ++j) {
    squeezed[j] = std::max(0.0, dot(a.w1 + j * channels, mean));
    to.squeezed[image * p.hidden + static_cast<std::int64_t>(j)] = static_cast<float>(squeezed[j]);
  }
  for (std::size_t o = 0; o < channels; ++o) {
    const double logit = dot(a.w2 + o * squeezed.size(), squeezed) + dot(a.w3 + o * channels, mean);
    to.scale[image * p.c + static_cast<std::int64_t>(o)] = static_cast<float>(1 / (1 + std::exp(-logit)));
  }
}

}  // namespace

void attended_conv(const Context& context, const AttendedConvProblem& p, const AttendedConvArguments<>& a) {
  std::vector<float> own;
  if (!a.statistics) own.resize(static_cast<std::size_t>(AttentionStatistics<float>::count(p)));
  const AttentionStatistics<float> statistics(p, a.statistics ? a.statistics : own.data());
  parallel_for(p.n, [&](std::int64_t image) { attention(p, a.attention, image, statistics); });
  conv2d(context, p.conv(), conv_arguments(p, a, statistics.scale));
}

namespace {

/// Adds one image's contribution to the gradients of W1, W2 and W3, given the gradient of its scale, and
/// computes κ. dscale, kappa: (c).
void attention_backward(const AttendedConvProblem& p, const AttendedConvBackwardArguments<>& a,
                        std::int64_t image, const double* dscale, float* kappa) {
  const AttentionStatistics<const float> statistics(p, a.statistics);
  const float* const scale = statistics.scale + image * p.c;
  const float* const mean = statistics.mean + image * p.c;
  const float* const squeezed = statistics.squeezed + image * p.hidden;
  const auto channels = static_cast<std::size_t>(p.c), hidden = static_cast<std::size_t>(p.hidden);
  std::vector<double> dlogit(channels), dsqueezed(hidden);
  for (std::size_t o = 0; o < channels; ++o) {
    const double s = scale[o];
    dlogit[o] = dscale[o] * s * (1 - s);
  }
  for (std::size_t j = 0; j < hidden; ++j)
    for (std::size_t o = 0; o < channels && squeezed[j] > 0; ++o)
      dsqueezed[j] += static_cast<double>(a.w2[o * hidden + j]) * dlogit[o];
  for (std::size_t c = 0; c < channels; ++c) {
    double dmean = 0;
    for (std::size_t o = 0; o < channels; ++o) {
      dmean += static_cast<double>(a.w3[o * channels + c]) * dlogit[o];
      a.dw3[o * channels + c] += static_cast<float>(dlogit[o] * static_cast<double>(mean[c]));
    }
    for (std::size_t j = 0; j < hidden; ++j) {
      dmean += static_cast<double>(a.w1[j * channels + c]) * dsqueezed[j];
      a.dw1[j * channels + c] += static_cast<float>(dsqueezed[j] * static_cast<double>(mean[c]));
      a.dw2[c * hidden + j] += static_cast<float>(dlogit[c] * static_cast<double>(squeezed[j]));
    }
    kappa[c] = static_cast<float>(dmean / static_cast<double>(p.h * p.w));
  }
}

}  // namespace

void attended_conv_backward(const Context& context, const AttendedConvProblem& p,
                            const AttendedConvBackwardArguments<>& a) {
  const auto count = static_cast<std::size_t>(p.n * p.c);
  std::vector<double> dscale(count);
  std::vector<float> kappa(count);
  conv2d_scale_backward(p.conv(), epilogue_arguments(p, a, nullptr), dscale.data());
  for (std::int64_t image = 0; image < p.n; ++image)
    attention_backward(p, a, image, dscale.data() + image * p.c, kappa.data() + image * p.c);
  conv2d_epilogue_backward(context, p.conv(), epilogue_arguments(p, a, kappa.data()));
}

}  // namespace sapnet::kernels::cpu
