#include "tests/reference/conv2d.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sapnet::reference {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Calls visit(output, input map, input, weight), with array indices, for every product of a convolution.
template <class Visit>
void for_each_product(const kernels::Conv2dProblem& p, const Visit& visit) {
  const std::int64_t channels = p.in_channels[0] + p.in_channels[1];
  for (std::int64_t n = 0; n < p.n; ++n)
    for (std::int64_t y = 0; y < p.out_h(); ++y)
      for (std::int64_t x = 0; x < p.out_w(); ++x)
        for (std::int64_t o = 0; o < p.out_channels; ++o)
          for (std::int64_t i = 0; i < channels; ++i)
            for (std::int64_t a = 0; a < p.kernel; ++a)
              for (std::int64_t b = 0; b < p.kernel; ++b) {
                const std::int64_t row = y * p.stride + a * p.dilation - p.padding;
                const std::int64_t column = x * p.stride + b * p.dilation - p.padding;
                if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
                const std::size_t map = i < p.in_channels[0] ? 0 : 1;
                const std::int64_t c = map == 0 ? i : i - p.in_channels[0];
                visit(at(((n * p.out_h() + y) * p.out_w() + x) * p.out_channels + o), map,
                      at(((n * p.h + row) * p.w + column) * p.in_channels[map] + c),
                      at(((o * channels + i) * p.kernel + a) * p.kernel + b));
              }
}

}  // namespace

Convolution convolve(const kernels::Conv2dProblem& p, const std::array<std::span<const float>, 2>& in,
                     std::span<const float> weight, std::span<const float> bias) {
  const std::size_t size = at(p.n * p.out_h() * p.out_w() * p.out_channels);
  Convolution result{std::vector<double>(size), std::vector<double>(size)};
  const auto add = [&](std::size_t output, double term) {
    result.sum[output] += term;
    result.magnitude[output] += term * term;
  };
  if (!bias.empty())
    for (std::size_t k = 0; k < size; ++k) add(k, bias[k % bias.size()]);
  for_each_product(p, [&](std::size_t output, std::size_t map, std::size_t input, std::size_t k) {
    add(output, static_cast<double>(in[map][input]) * static_cast<double>(weight[k]));
  });
  for (double& square : result.magnitude) square = std::sqrt(square);
  return result;
}

ConvolutionGradients convolve_backward(const kernels::Conv2dProblem& p,
                                       const std::array<std::span<const float>, 2>& in,
                                       std::span<const float> grad_preactivation) {
  const auto outputs = at(p.out_channels);
  const std::size_t weights = at(p.out_channels * p.total_in_channels() * p.kernel * p.kernel);
  ConvolutionGradients result{std::vector<double>(weights), std::vector<double>(weights),
                              std::vector<double>(outputs), std::vector<double>(outputs)};
  for_each_product(p, [&](std::size_t output, std::size_t map, std::size_t input, std::size_t weight) {
    if (in[map].empty()) return;
    const double term = static_cast<double>(grad_preactivation[output]) * static_cast<double>(in[map][input]);
    result.weight[weight] += term;
    result.weight_magnitude[weight] += term * term;
  });
  for (std::size_t k = 0; k < grad_preactivation.size(); ++k) {
    const auto term = static_cast<double>(grad_preactivation[k]);
    result.bias[k % outputs] += term;
    result.bias_magnitude[k % outputs] += term * term;
  }
  for (auto* squares : {&result.weight_magnitude, &result.bias_magnitude})
    for (double& square : *squares) square = std::sqrt(square);
  return result;
}

Convolution convolve_dgrad(const kernels::Conv2dProblem& p, std::size_t map, std::span<const float> weight,
                           std::span<const float> grad_preactivation) {
  const std::size_t size = at(p.n * p.h * p.w * p.in_channels[map]);
  Convolution result{std::vector<double>(size), std::vector<double>(size)};
  for_each_product(p, [&](std::size_t output, std::size_t from, std::size_t input, std::size_t k) {
    if (from != map) return;
    const double term = static_cast<double>(grad_preactivation[output]) * static_cast<double>(weight[k]);
    result.sum[input] += term;
    result.magnitude[input] += term * term;
  });
  for (double& square : result.magnitude) square = std::sqrt(square);
  return result;
}

std::vector<double> finish(const kernels::Conv2dProblem& p, std::span<const double> sum,
                           std::span<const double> scale, std::span<const double> residual, bool relu,
                           bool relu_after_residual) {
  std::vector<double> out;
  const std::int64_t per_image = p.out_h() * p.out_w() * p.out_channels;
  for (std::int64_t k = 0; k < p.n * per_image; ++k) {
    const std::int64_t n = k / per_image, o = k % p.out_channels;
    double value = sum[at(k)];
    if (!scale.empty()) value *= scale[at(n * p.out_channels + o)];
    if (relu && (residual.empty() || !relu_after_residual)) value = std::max(value, 0.0);
    if (!residual.empty()) value += residual[at(k)];
    if (relu) value = std::max(value, 0.0);
    out.push_back(value);
  }
  return out;
}

}  // namespace sapnet::reference
