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

/// The attention of one image, in double.
struct Attention {
  std::vector<double> mean;    // m, (c)
  std::vector<double> hidden;  // relu(W1 m), (hidden)
  std::vector<double> scale;   // s, (c)
};

Attention attention(const AttendedConvProblem& p, const AttentionArguments& a, std::int64_t image) {
  const auto channels = static_cast<std::size_t>(p.c);
  Attention result{std::vector<double>(channels), std::vector<double>(static_cast<std::size_t>(p.hidden)),
                   std::vector<double>(channels)};
  const std::vector<double> sums =
      add_partials(a.shifted_sums + image * a.partials * 9 * p.c, a.partials, p.c);
  for (std::size_t o = 0; o < channels; ++o) {
    double sum = 0;
    for (std::size_t i = 0; i < channels; ++i)
      for (std::size_t tap = 0; tap < 9; ++tap)
        sum += static_cast<double>(a.weight[(o * channels + i) * 9 + tap]) * sums[tap * channels + i];
    result.mean[o] = static_cast<double>(a.bias[o]) + sum / static_cast<double>(p.h * p.w);
  }
  for (std::size_t j = 0; j < result.hidden.size(); ++j)
    result.hidden[j] = std::max(0.0, dot(a.w1 + j * channels, result.mean));
  for (std::size_t o = 0; o < channels; ++o) {
    const double logit =
        dot(a.w2 + o * result.hidden.size(), result.hidden) + dot(a.w3 + o * channels, result.mean);
    result.scale[o] = 1 / (1 + std::exp(-logit));
  }
  return result;
}

}  // namespace

void attended_conv(const Context& context, const AttendedConvProblem& p, const AttendedConvArguments<>& a) {
  std::vector<float> scale(static_cast<std::size_t>(p.n * p.c));
  parallel_for(p.n, [&](std::int64_t image) {
    float* to = scale.data() + image * p.c;
    for (const double value : attention(p, a.attention, image).scale) *to++ = static_cast<float>(value);
  });
  if (a.scale) std::ranges::copy(scale, a.scale);
  conv2d(context, p.conv(), conv_arguments(p, a, scale.data()));
}

namespace {

/// Adds one image's contribution to the gradients of W1, W2 and W3, given the gradient of its scale, and
/// returns κ.
std::vector<double> attention_backward(const AttendedConvProblem& p, const AttendedConvBackwardArguments<>& a,
                                       const Attention& forward, const double* dscale) {
  const std::size_t channels = forward.mean.size(), hidden = forward.hidden.size();
  std::vector<double> dlogit(channels), dhidden(hidden), kappa(channels);
  for (std::size_t o = 0; o < channels; ++o)
    dlogit[o] = dscale[o] * forward.scale[o] * (1 - forward.scale[o]);
  for (std::size_t j = 0; j < hidden; ++j)
    for (std::size_t o = 0; o < channels && forward.hidden[j] > 0; ++o)
      dhidden[j] += static_cast<double>(a.attention.w2[o * hidden + j]) * dlogit[o];
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t o = 0; o < channels; ++o) {
      kappa[c] += static_cast<double>(a.attention.w3[o * channels + c]) * dlogit[o];
      a.dw3[o * channels + c] += static_cast<float>(dlogit[o] * forward.mean[c]);
    }
    for (std::size_t j = 0; j < hidden; ++j) {
      kappa[c] += static_cast<double>(a.attention.w1[j * channels + c]) * dhidden[j];
      a.dw1[j * channels + c] += static_cast<float>(dhidden[j] * forward.mean[c]);
      a.dw2[c * hidden + j] += static_cast<float>(dlogit[c] * forward.hidden[j]);
    }
    kappa[c] /= static_cast<double>(p.h * p.w);
  }
  return kappa;
}

}  // namespace

void attended_conv_backward(const Context& context, const AttendedConvProblem& p,
                            const AttendedConvBackwardArguments<>& a) {
  const auto channels = static_cast<std::size_t>(p.c);
  std::vector<Attention> forward(static_cast<std::size_t>(p.n));
  parallel_for(p.n, [&](std::int64_t image) {
    forward[static_cast<std::size_t>(image)] = attention(p, a.attention, image);
  });
  std::vector<float> scale, all_kappa;
  for (const Attention& of_image : forward)
    scale.insert(scale.end(), of_image.scale.begin(), of_image.scale.end());
  std::vector<double> dscale(scale.size());
  conv2d_scale_backward(p.conv(), epilogue_arguments(a, scale.data(), nullptr), dscale.data());
  for (std::size_t image = 0; image < forward.size(); ++image) {
    const auto kappa = attention_backward(p, a, forward[image], dscale.data() + image * channels);
    all_kappa.insert(all_kappa.end(), kappa.begin(), kappa.end());
  }
  conv2d_epilogue_backward(context, p.conv(), epilogue_arguments(a, scale.data(), all_kappa.data()));
}

}  // namespace sapnet::kernels::cpu
