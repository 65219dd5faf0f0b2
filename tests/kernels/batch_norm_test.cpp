#include "kernels/batch_norm/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/batch_norm.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::BatchNormProblem;

struct Options {
  bool relu = false, residual = false, in_place = false;
};

/// A case's arrays, and the quantities per channel that bound rounding errors.
struct Case {
  BatchNormProblem p;
  Options options;
  std::vector<float> in, gamma, beta, residual, dout;
  reference::Statistics statistics;
  std::vector<double> largest;  // (c): of |x̂|

  /// Inputs: within 1 of `offset`.
  Case(const BatchNormProblem& problem, const Options& o, engine::DType maps, float offset)
      : p(problem), options(o), gamma(random_values(p.c, 2)), beta(random_values(p.c, 3)) {
    const std::int64_t count = p.pixels() * p.c;
    in = random_values(count, 1);
    for (float& value : in) value += offset;
    in = stored(in, maps);
    residual = stored(random_values(options.residual ? count : 0, 4), maps);
    dout = stored(random_values(count, 5), maps);
    statistics = reference::statistics(p, doubles(in));
    largest.resize(gamma.size());
    for (std::size_t k = 0; k < in.size(); ++k) {
      const std::size_t c = k % gamma.size();
      const double normal = (static_cast<double>(in[k]) - statistics.mean[c]) * statistics.inv_std[c];
      largest[c] = std::max(largest[c], std::abs(normal));
    }
  }

  /// The magnitude of the operands of x̂'s subtraction.
  double size(std::size_t c) const {
    return largest[c] + std::abs(statistics.mean[c]) * statistics.inv_std[c];
  }

  std::vector<double> out(const std::vector<double>& x) const {
    return reference::batch_norm(p, x, doubles(gamma), doubles(beta));
  }
};

std::vector<float> finished(const Case& test) {
  std::vector<float> out;
  for (const double value : test.out(doubles(test.in))) {
    const double residual = test.residual.empty() ? 0 : static_cast<double>(test.residual[out.size()]);
    const double sum = value + residual;
    out.push_back(static_cast<float>(test.options.relu ? std::max(sum, 0.0) : sum));
  }
  return out;
}

void check_forward(const Case& test, engine::DType maps) {
  const BatchNormProblem& p = test.p;
  const std::size_t count = test.in.size(), channels = test.gamma.size();
  const std::vector<double> expected = doubles(finished(test));
  std::vector<double> tolerance, mean_tolerance, inv_std_tolerance;
  for (std::size_t c = 0; c < channels; ++c) {
    mean_tolerance.push_back(rounding(std::abs(test.statistics.mean[c])));
    inv_std_tolerance.push_back(rounding(test.statistics.inv_std[c]));
  }
  // (x - μ) has the rounding of μ and its own, the rest one rounding per operation; β and the residual are
  // within 1.
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t c = k % channels;
    tolerance.push_back(
        storage_rounding(maps, std::abs(static_cast<double>(test.gamma[c])) * test.size(c) + 2));
  }
  for (const Implementation* implementation : implementations(Variants::kOne, maps)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray ins(test.in), gammas(test.gamma), betas(test.beta), residuals(test.residual),
          separate(count), means(channels), inv_stds(channels);
      GuardedArray& out = test.options.in_place && test.options.residual ? residuals : separate;
      implementation->run(OPERATION(batch_norm), p,
                          kernels::BatchNormArguments<>{.in = ins.data(),
                                                        .gamma = gammas.data(),
                                                        .beta = betas.data(),
                                                        .residual = residuals.data(),
                                                        .relu = test.options.relu,
                                                        .out = out.data(),
                                                        .mean = means.data(),
                                                        .inv_std = inv_stds.data()});
      return std::vector<std::vector<float>>{copy(out), copy(means), copy(inv_stds)};
    });
    check_close("out", {p.n, p.h, p.w, p.c}, written[0], expected, tolerance);
    check_close("mean", {p.c}, written[1], test.statistics.mean, mean_tolerance);
    check_close("inv_std", {p.c}, written[2], test.statistics.inv_std, inv_std_tolerance);
  }
}

// Against the numerical derivative, where the ReLU passes the gradient; there are no kinks here.
void check_backward(const Case& test, engine::DType maps) {
  const BatchNormProblem& p = test.p;
  const std::size_t count = test.in.size(), channels = test.gamma.size();
  const std::vector<float> out = stored(finished(test), maps);
  std::vector<double> g = doubles(test.dout);
  for (std::size_t k = 0; k < count; ++k)
    if (test.options.relu && !(out[k] > 0)) g[k] = 0;
  const auto expected = reference::numeric_gradient(
      doubles(test.in), [&](const std::vector<double>& x) { return reference::dot(g, test.out(x)); });
  // g is within 1, and so are ⟨g⟩ and ⟨g x̂⟩, since the mean square of x̂ is at most 1. The rounding
  // error of x̂ enters twice: directly, and through ⟨g x̂⟩. The numerical derivative is off by at most 1e-8,
  // unless standard deviations are small.
  std::vector<double> tolerance;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t c = k % channels;
    const double scale = std::abs(static_cast<double>(test.gamma[c])) * test.statistics.inv_std[c];
    tolerance.push_back(scale *
                            (rounding(2 + test.largest[c]) + (1 + test.largest[c]) * rounding(test.size(c))) +
                        storage_rounding(maps, std::abs(expected[k])) + 1e-8);
  }
  const auto floats = [](const std::vector<double>& v) { return std::vector<float>(v.begin(), v.end()); };
  for (const Implementation* implementation : implementations(Variants::kOne, maps)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray ins(test.in), outs(out), douts(test.dout), gammas(test.gamma),
          means(floats(test.statistics.mean)), inv_stds(floats(test.statistics.inv_std)), separate_din(count),
          separate_dresidual(test.options.residual ? count : 0);
      // One of the two may alias dout.
      const bool in_place = test.options.in_place;
      GuardedArray& dresidual = in_place && test.options.residual ? douts : separate_dresidual;
      GuardedArray& din = in_place && !test.options.residual ? douts : separate_din;
      implementation->run(
          OPERATION(batch_norm_backward), p,
          kernels::BatchNormBackwardArguments<>{.in = ins.data(),
                                                .out = test.options.relu ? outs.data() : nullptr,
                                                .dout = douts.data(),
                                                .gamma = gammas.data(),
                                                .mean = means.data(),
                                                .inv_std = inv_stds.data(),
                                                .din = din.data(),
                                                .dresidual = dresidual.data()});
      return std::vector<std::vector<float>>{copy(din), copy(dresidual)};
    });
    check_close("din", {p.n, p.h, p.w, p.c}, written[0], expected, tolerance);
    if (test.options.residual)
      check_close("dresidual", {p.n, p.h, p.w, p.c}, written[1], g, std::vector<double>(count));
  }
}

void check(const BatchNormProblem& p, const Options& options, float offset = 0.5F) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << ", ReLU " << options.relu << ", residual "
           << options.residual << ", in place " << options.in_place << ", offset " << offset);
  for (const engine::DType maps : stored_types()) {
    const Case test(p, options, maps, offset);
    check_forward(test, maps);
    check_backward(test, maps);
  }
}

KERNEL_TEST_CASE("batch_norm and its gradient, with ReLU and residual", "[kernels][batch_norm][backward]") {
  for (int bits = 0; bits < 8; ++bits) {
    const Options options{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    check({2, 5, 7, 3}, options);
  }
}

KERNEL_TEST_CASE("batch_norm and its gradient at ragged sizes", "[kernels][batch_norm][backward]") {
  // One pixel, where all deviations are zero; more channels than a block; several slices.
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {17, 23}}) check({1, h, w, 3}, {.relu = true});
  for (const std::int64_t channels : {1, 31, 32, 33, 70}) check({3, 3, 5, channels}, {.relu = true});
  check({3, 17, 11, 2}, {.relu = true, .residual = true});
}

KERNEL_TEST_CASE("batch_norm handles inputs with little variance around a large mean",
                 "[kernels][batch_norm]") {
  for (const engine::DType maps : stored_types()) check_forward(Case({1, 17, 23, 5}, {}, maps, 1000), maps);
}

}  // namespace
}  // namespace sapnet::tests
