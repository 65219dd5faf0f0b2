#include "kernels/attended_conv/attended_conv.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/kernels/summed.h"
#include "tests/reference/attended_conv.h"
#include "tests/reference/numeric_gradient.h"
#include "tests/reference/shifted_sums.h"

namespace sapnet::tests {
namespace {

using kernels::AttendedConvArguments;
using kernels::AttendedConvProblem;

enum class Residual { kNone, kSeparate, kInPlace };

/// The learned weights of an attended_conv.
struct Weights {
  Weights(const AttendedConvProblem& p, engine::DType maps)
      : weight(stored(random_values(p.c * p.c * 9, 3, 2 / std::sqrt(static_cast<float>(9 * p.c))), maps)),
        bias(random_values(p.c, 4)),
        w1(random_values(p.hidden * p.c, 5)),
        w2(random_values(p.c * p.hidden, 6)),
        w3(random_values(p.c * p.c, 7)) {}

  std::vector<float> weight, bias, w1, w2, w3;
};

/// Number of partials of the shifted sums; arbitrary, because attended_conv accepts any.
constexpr std::size_t kPartials = 3;

/// The shifted sums of `in`, (n, count, 9, c), in partials of different size and sign.
std::vector<float> sums_in_partials(const AttendedConvProblem& p, const std::vector<float>& in,
                                    std::size_t count = kPartials) {
  std::vector<double> shares;
  double rest = 1;
  while (shares.size() + 1 < count) {
    shares.push_back(shares.size() % 2 == 0 ? 0.5 : -0.25);
    rest -= shares.back();
  }
  shares.push_back(rest);
  const auto sums = reference::shifted_sums({p.n, p.h, p.w, p.c, p.dilation}, in).sums;
  const auto per_image = static_cast<std::ptrdiff_t>(9 * p.c);
  std::vector<float> partials;
  for (auto image = sums.begin(); image != sums.end(); image += per_image)
    for (const double share : shares)
      std::transform(image, image + per_image, std::back_inserter(partials),
                     [&](double sum) { return static_cast<float>(share * sum); });
  return partials;
}

/// The tolerance of each of the AttentionStatistics. The partials of the shifted sums are rounded, each by up
/// to ε/2 of itself, and so are sums of some of them; the resulting error of the means goes through |W3| +
/// |W2||W1|, and through σ with slope at most 1/4. The rest is computed in double, and the results rounded.
std::vector<double> statistics_tolerances(const AttendedConvProblem& p, const Weights& weights,
                                          const std::vector<float>& shifted_sums) {
  const auto channels = static_cast<std::size_t>(p.c), hidden = static_cast<std::size_t>(p.hidden);
  const std::size_t partials = shifted_sums.size() / (static_cast<std::size_t>(p.n) * 9 * channels);
  const auto size = [](float v) { return std::abs(static_cast<double>(v)); };
  std::vector<double> scales, means, squeezed;
  for (std::size_t n = 0; n < static_cast<std::size_t>(p.n); ++n) {
    // Largest errors of the means and of W1 m, before they are rounded, and largest magnitudes.
    std::vector<double> mean(channels), mean_size(channels), hidden_error(hidden);
    for (std::size_t o = 0; o < channels; ++o) {
      mean_size[o] = size(weights.bias[o]);
      for (std::size_t i = 0; i < channels; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < 9; ++k)
          for (std::size_t part = 0; part < partials; ++part)
            sum += size(weights.weight[(o * channels + i) * 9 + k]) *
                   size(shifted_sums[((n * partials + part) * 9 + k) * channels + i]);
        mean[o] += rounding(sum / static_cast<double>(p.h * p.w));
        mean_size[o] += sum / static_cast<double>(p.h * p.w);
      }
      means.push_back(mean[o] + rounding(mean_size[o]));
    }
    for (std::size_t j = 0; j < hidden; ++j) {
      double hidden_size = 0;
      for (std::size_t c = 0; c < channels; ++c) {
        hidden_error[j] += size(weights.w1[j * channels + c]) * mean[c];
        hidden_size += size(weights.w1[j * channels + c]) * mean_size[c];
      }
      squeezed.push_back(hidden_error[j] + rounding(hidden_size));
    }
    for (std::size_t o = 0; o < channels; ++o) {
      double logit = 0;
      for (std::size_t j = 0; j < hidden; ++j) logit += size(weights.w2[o * hidden + j]) * hidden_error[j];
      for (std::size_t c = 0; c < channels; ++c) logit += size(weights.w3[o * channels + c]) * mean[c];
      scales.push_back(logit / 4 + rounding(1));
    }
  }
  std::vector<double> all;
  for (const auto* part : {&scales, &means, &squeezed}) all.insert(all.end(), part->begin(), part->end());
  return all;
}

void check(const AttendedConvProblem& p, Residual residual_kind, engine::DType maps,
           std::size_t partials = kPartials) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", hidden " << p.hidden << ", dilation " << p.dilation
           << ", next " << p.next_dilation << ", residual " << static_cast<int>(residual_kind) << ", "
           << partials << " partials");
  const std::int64_t count = p.n * p.h * p.w * p.c;
  const auto in = stored(random_values(count, 1), maps);
  const auto residual = stored(random_values(residual_kind == Residual::kNone ? 0 : count, 2), maps);
  const Weights weights(p, maps);
  const std::vector<float> shifted_sums = sums_in_partials(p, in, partials);
  const auto expected = reference::attended_conv(p, in, weights.weight, weights.bias, weights.w1, weights.w2,
                                                 weights.w3, residual);
  const auto statistics_tolerance = statistics_tolerances(p, weights, shifted_sums);

  for (const Implementation* implementation : implementations(Variants::kAlgorithms, maps)) {
    if (!implementation->supports(p)) continue;
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray map(in), sums(shifted_sums), weight(weights.weight),
          packed(implementation->packed(p.conv(), weights.weight)), bias(weights.bias), w1(weights.w1),
          w2(weights.w2), w3(weights.w3), residuals(residual);
      GuardedArray statistics(statistics_tolerance.size());
      const std::int64_t out_partials = implementation->with_context(
          [&](const auto& context) { return conv2d_partials(context, p.conv()); });
      GuardedArray out_sums(static_cast<std::size_t>(p.n * out_partials * 9 * p.c));
      GuardedArray separate_out(static_cast<std::size_t>(count));
      GuardedArray& out = residual_kind == Residual::kInPlace ? residuals : separate_out;
      AttendedConvArguments<> arguments;
      arguments.in = map.data();
      arguments.attention = {
          sums.data(), static_cast<std::int64_t>(partials), weight.data(), bias.data(), w1.data(), w2.data(),
          w3.data()};
      arguments.packed = packed.data();
      arguments.residual = residuals.data();
      arguments.out = out.data();
      arguments.out_shifted_sums = out_sums.data();
      const std::vector<float> before = copy(out);
      arguments.statistics = statistics.data();
      implementation->run(OPERATION(attended_conv), p, arguments);
      const std::vector<float> with_statistics = copy(out);
      std::ranges::copy(before, out.data());  // the residual, if in place
      arguments.statistics = nullptr;
      implementation->run(OPERATION(attended_conv), p, arguments);
      check_same_bits("out without the statistics", out.values(), with_statistics);
      return std::vector<std::vector<float>>{copy(out), copy(out_sums), copy(statistics)};
    });

    check_close("statistics", {static_cast<std::int64_t>(written[2].size())}, written[2], expected.statistics,
                statistics_tolerance);

    auto tolerance =
        sum_tolerances(*implementation, p.conv(), expected.conv.magnitude, weights.weight, weights.bias, 1);
    for (std::size_t k = 0; k < tolerance.size(); ++k) {
      const std::size_t s =
          k / (tolerance.size() / static_cast<std::size_t>(p.n)) * static_cast<std::size_t>(p.c) +
          k % static_cast<std::size_t>(p.c);
      const double sum = std::abs(expected.conv.sum[k]);
      tolerance[k] = expected.scale[s] * tolerance[k] + statistics_tolerance[s] * sum +
                     storage_rounding(maps, sum + (residual.empty() ? 0 : 1));
    }
    check_close("out", {p.n, p.h, p.w, p.c}, written[0], expected.out, tolerance);

    check_shifted_sums({p.n, p.h, p.w, p.c, p.next_dilation}, written[0], written[1]);
  }
}

void check(const AttendedConvProblem& p, Residual residual) {
  for (const engine::DType maps : stored_types()) check(p, residual, maps);
}

KERNEL_TEST_CASE("attended_conv at ragged sizes and all dilations", "[kernels][attended_conv]") {
  for (const std::int64_t dilation : {1, 2, 4, 8, 16})
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {5, 40}, {17, 23}, {33, 31}})
      check({1, h, w, 32, 2, dilation, 2 * dilation}, Residual::kNone);
  check({1, 3, 200, 32, 2, 4, 4}, Residual::kNone);
  check({1, 48, 50, 32, 2, 16, 1}, Residual::kNone);
}

KERNEL_TEST_CASE("attended_conv adds a residual, in place too", "[kernels][attended_conv]") {
  for (const Residual residual : {Residual::kSeparate, Residual::kInPlace})
    for (const std::int64_t dilation : {1, 2, 16}) {
      check({1, 17, 23, 32, 2, dilation, 1}, residual);
      check({1, 1, 1, 32, 2, dilation, 1}, residual);
      check({1, 6, 11, 5, 2, dilation, 2}, residual);
    }
}

KERNEL_TEST_CASE("attended_conv gives each image of a batch its own attention", "[kernels][attended_conv]") {
  check({2, 17, 23, 32, 2, 2, 4}, Residual::kInPlace);
  check({3, 5, 9, 32, 2, 8, 8}, Residual::kNone);
}

KERNEL_TEST_CASE("attended_conv accepts any number of partial shifted sums", "[kernels][attended_conv]") {
  // From 129 on, CUDA adds them up in two steps; 300 do not divide evenly.
  for (const std::size_t partials : {1U, 128U, 129U, 300U})
    for (const engine::DType maps : stored_types())
      check({2, 5, 9, 32, 2, 1, 1}, Residual::kNone, maps, partials);
}

KERNEL_TEST_CASE("attended_conv with other numbers of channels", "[kernels][attended_conv]") {
  for (const std::int64_t channels : {1, 5, 16, 32, 40, 64})
    check({1, 6, 11, channels, 3, 2, 1}, Residual::kNone);
}

// --- backward, against the numerical derivative of the paper's formula ---

/// A numerical derivative of the loss Σ dout·out, and the kernel's tolerance.
struct Expected {
  std::vector<double> values, tolerance;
};

struct ExpectedGradients {
  Expected dy, dresidual, dw1, dw2, dw3;
};

/// y: the preactivations. Kernels get the statistics rounded to fp32, and compute all sums but ds in double,
/// so the propagated errors of ds and the statistics bound those of the gradients.
ExpectedGradients expected_gradients(const AttendedConvProblem& p, const std::vector<double>& y,
                                     const Weights& weights, const std::vector<float>& residual,
                                     const std::vector<float>& dout, engine::DType maps) {
  const auto doubles = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const auto w1 = doubles(weights.w1), w2 = doubles(weights.w2), w3 = doubles(weights.w3),
             res = doubles(residual);
  const auto loss = [&](const auto& by_y, const auto& by_w1, const auto& by_w2, const auto& by_w3,
                        const auto& by_residual) {
    return reference::dot(doubles(dout), reference::attend(p, by_y, by_w1, by_w2, by_w3, by_residual).out);
  };
  using Values = std::vector<double>;
  ExpectedGradients result;
  result.dy.values =
      reference::numeric_gradient(y, [&](const Values& v) { return loss(v, w1, w2, w3, res); });
  result.dw1.values =
      reference::numeric_gradient(w1, [&](const Values& v) { return loss(y, v, w2, w3, res); });
  result.dw2.values =
      reference::numeric_gradient(w2, [&](const Values& v) { return loss(y, w1, v, w3, res); });
  result.dw3.values =
      reference::numeric_gradient(w3, [&](const Values& v) { return loss(y, w1, w2, v, res); });
  result.dresidual.values =
      reference::numeric_gradient(res, [&](const Values& v) { return loss(y, w1, w2, w3, v); });

  const auto channels = static_cast<std::size_t>(p.c), hidden = static_cast<std::size_t>(p.hidden);
  const std::size_t per_image = y.size() / static_cast<std::size_t>(p.n);
  const auto size = [](double v) { return std::abs(v); };
  result.dw1.tolerance.assign(w1.size(), 0);
  result.dw2.tolerance.assign(w2.size(), 0);
  result.dw3.tolerance.assign(w3.size(), 0);
  for (std::size_t n = 0; n < static_cast<std::size_t>(p.n); ++n) {
    Values mean(channels), dlogit(channels), dlogit_tolerance(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      double magnitude = 0;
      for (std::size_t k = c; k < per_image; k += channels) {
        magnitude += size(static_cast<double>(dout[n * per_image + k])) * std::max(0.0, y[n * per_image + k]);
        mean[c] +=
            size(y[n * per_image + k]) * static_cast<double>(channels) / static_cast<double>(per_image);
      }
      // σ' = s (1 - s) is at most 1/4, and its error at most that of s. A row, or on a GPU a chunk of the
      // pixels, is summed in fp32, from stored terms.
      dlogit[c] = magnitude / 4;
      dlogit_tolerance[c] = (sum_tolerance(static_cast<double>(p.w), magnitude) + 4 * rounding(magnitude) +
                             storage_rounding(maps, magnitude)) /
                                4 +
                            magnitude * rounding(1);
    }
    for (std::size_t c = 0; c < channels; ++c) {
      double kappa = 0;
      for (std::size_t o = 0; o < channels; ++o) {
        double weight = size(w3[o * channels + c]);
        for (std::size_t j = 0; j < hidden; ++j) weight += size(w2[o * hidden + j] * w1[j * channels + c]);
        kappa += weight * dlogit_tolerance[o] / static_cast<double>(p.h * p.w);
        result.dw3.tolerance[o * channels + c] +=
            dlogit_tolerance[o] * mean[c] + rounding(dlogit[o] * mean[c] + 1);
        for (std::size_t j = 0; j < hidden; ++j)
          result.dw1.tolerance[j * channels + c] +=
              size(w2[o * hidden + j]) * dlogit_tolerance[o] * mean[c] +
              rounding(size(w2[o * hidden + j]) * dlogit[o] * mean[c] + 1);
      }
      for (std::size_t j = 0; j < hidden; ++j)
        for (std::size_t k = 0; k < channels; ++k)
          result.dw2.tolerance[c * hidden + j] +=
              size(w1[j * channels + k]) * mean[k] * dlogit_tolerance[c] +
              rounding(size(w1[j * channels + k]) * mean[k] * dlogit[c] + 1);
      for (std::size_t k = c; k < per_image; k += channels) {
        const double value = size(static_cast<double>(dout[n * per_image + k]));
        result.dy.tolerance.resize(y.size());
        result.dy.tolerance[n * per_image + k] =
            kappa + rounding(value) +
            storage_rounding(maps, value + size(result.dy.values[n * per_image + k]));
      }
    }
  }
  result.dresidual.tolerance.assign(res.size(), storage_rounding(maps, 2));
  return result;
}

void check_backward(const AttendedConvProblem& p, engine::DType maps, bool with_residual, bool in_place) {
  INFO(to_string(maps) << ", " << p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", hidden " << p.hidden
                       << ", dilation " << p.dilation << ", residual " << with_residual << ", in place "
                       << in_place);
  const std::int64_t count = p.n * p.h * p.w * p.c;
  const auto in = random_values(count, 1), residual = random_values(with_residual ? count : 0, 2),
             dout = stored(random_values(count, 8), maps);
  const Weights weights(p, engine::DType::kFloat32);
  const auto forward = reference::attended_conv(p, in, weights.weight, weights.bias, weights.w1, weights.w2,
                                                weights.w3, residual);
  const auto plain = reference::finish(p.conv(), forward.conv.sum, forward.scale, {}, true);
  const std::vector<float> out(forward.out.begin(), forward.out.end()),
      pre_residual(plain.begin(), plain.end()),
      forward_statistics(forward.statistics.begin(), forward.statistics.end());
  const auto expected = expected_gradients(p, forward.conv.sum, weights, residual, dout, maps);

  for (const Implementation* implementation : implementations(Variants::kSimd, maps)) {
    if (!implementation->supports(p)) continue;
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray douts(dout), outs(out), pre_residuals(with_residual ? pre_residual : std::vector<float>()),
          statistics(forward_statistics), w1(weights.w1), w2(weights.w2), w3(weights.w3);
      GuardedArray separate_dy(static_cast<std::size_t>(count)), dresidual(residual.size());
      GuardedArray dw1(std::vector<float>(weights.w1.size())), dw2(std::vector<float>(weights.w2.size())),
          dw3(std::vector<float>(weights.w3.size()));
      GuardedArray& dy = in_place ? douts : separate_dy;
      implementation->run(OPERATION(attended_conv_backward), p,
                          kernels::AttendedConvBackwardArguments<>{.dout = douts.data(),
                                                                   .out = outs.data(),
                                                                   .pre_residual = pre_residuals.data(),
                                                                   .statistics = statistics.data(),
                                                                   .w1 = w1.data(),
                                                                   .w2 = w2.data(),
                                                                   .w3 = w3.data(),
                                                                   .dy = dy.data(),
                                                                   .dresidual_before = nullptr,
                                                                   .dresidual = dresidual.data(),
                                                                   .dw1 = dw1.data(),
                                                                   .dw2 = dw2.data(),
                                                                   .dw3 = dw3.data()});
      return std::vector<std::vector<float>>{copy(dy), copy(dresidual), copy(dw1), copy(dw2), copy(dw3)};
    });
    const std::vector<std::int64_t> map = {p.n, p.h, p.w, p.c};
    check_close("dy", map, written[0], expected.dy.values, expected.dy.tolerance);
    if (with_residual)
      check_close("dresidual", map, written[1], expected.dresidual.values, expected.dresidual.tolerance);
    check_close("dw1", {p.hidden, p.c}, written[2], expected.dw1.values, expected.dw1.tolerance);
    check_close("dw2", {p.c, p.hidden}, written[3], expected.dw2.values, expected.dw2.tolerance);
    check_close("dw3", {p.c, p.c}, written[4], expected.dw3.values, expected.dw3.tolerance);
  }
}

KERNEL_TEST_CASE("attended_conv backward", "[kernels][attended_conv][backward]") {
  for (const engine::DType maps : stored_types())
    for (const bool with_residual : {false, true}) {
      for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {4, 5}})
        check_backward({1, h, w, 32, 2, 2, 1}, maps, with_residual, false);
      check_backward({2, 3, 4, 32, 2, 1, 1}, maps, with_residual, true);
      check_backward({1, 5, 6, 5, 3, 4, 1}, maps, with_residual, true);
    }
}

}  // namespace
}  // namespace sapnet::tests
