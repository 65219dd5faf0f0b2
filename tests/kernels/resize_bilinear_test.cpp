#include "kernels/resize_bilinear/resize_bilinear.h"

#include <array>
#include <cmath>
#include <vector>

#include "kernels/resize_bilinear/taps.h"
#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/numeric_gradient.h"
#include "tests/reference/resize_bilinear.h"

namespace sapnet::tests {
namespace {

using kernels::ResizeProblem;

/// in_place: the residual aliases the output.
void check_forward(const ResizeProblem& p, engine::DType maps, bool with_residual, bool in_place) {
  const std::int64_t out_size = p.n * p.out_h * p.out_w * p.c;
  const auto in = stored(random_values(p.n * p.h * p.w * p.c, 1), maps);
  const auto residual = stored(random_values(with_residual ? out_size : 0, 2), maps);
  const auto expected = reference::resize_bilinear(p, doubles(in), doubles(residual));
  for (const Implementation* implementation : implementations(Variants::kOne, maps)) {
    INFO(implementation->name() << ", residual " << with_residual << ", in place " << in_place);
    const auto written = run_repeatedly([&] {
      GuardedArray ins(in), residuals(residual), separate(static_cast<std::size_t>(out_size));
      GuardedArray& out = in_place ? residuals : separate;
      implementation->run(
          OPERATION(resize_bilinear), p,
          kernels::ResizeArguments<>{.in = ins.data(), .residual = residuals.data(), .out = out.data()});
      return std::vector<std::vector<float>>{copy(out)};
    });
    // Weights add up to 1, so the interpolation stays within ±1. It rounds two weights, two products and two
    // sums per term; then the residual is added.
    const std::vector<double> tolerance(expected.size(), 2 * storage_rounding(maps, with_residual ? 2 : 1));
    check_close("out", {p.n, p.out_h, p.out_w, p.c}, written[0], expected, tolerance);
  }
}

void check_backward(const ResizeProblem& p, engine::DType maps) {
  const auto count = static_cast<std::size_t>(p.n * p.h * p.w * p.c);
  const auto dout = stored(random_values(p.n * p.out_h * p.out_w * p.c, 3), maps);
  auto sizes = doubles(dout);
  for (double& size : sizes) size = std::abs(size);
  // Linear in the input, so the derivative is constant. All weights are positive, so the derivative for
  // absolute values bounds the sums' terms.
  const auto derivative = [&](const std::vector<double>& by_out) {
    return reference::numeric_gradient(std::vector<double>(count), [&](const std::vector<double>& x) {
      return reference::dot(by_out, reference::resize_bilinear(p, x));
    });
  };
  const auto expected = derivative(doubles(dout)), magnitude = derivative(sizes);
  const auto most = [](std::int64_t in, std::int64_t out) {
    return 2 * std::ceil(static_cast<double>(out) / static_cast<double>(in)) + 1;
  };
  std::vector<double> tolerance;
  for (const double size : magnitude)
    tolerance.push_back(sum_tolerance(most(p.h, p.out_h) * most(p.w, p.out_w), size) +
                        storage_rounding(maps, size) + 1e-9);
  for (const Implementation* implementation : implementations(Variants::kOne, maps)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray douts(dout), din(count);
      implementation->run(OPERATION(resize_bilinear_backward), p,
                          kernels::ResizeBackwardArguments<>{.dout = douts.data(), .din = din.data()});
      return std::vector<std::vector<float>>{copy(din)};
    });
    check_close("din", {p.n, p.h, p.w, p.c}, written[0], expected, tolerance);
  }
}

void check(const ResizeProblem& p) {
  INFO(p.n << "×" << p.h << "×" << p.w << "×" << p.c << " to " << p.out_h << "×" << p.out_w);
  for (const engine::DType maps : stored_types()) {
    check_forward(p, maps, false, false);
    check_forward(p, maps, true, false);
    check_forward(p, maps, true, true);
    check_backward(p, maps);
  }
}

KERNEL_TEST_CASE("resize_bilinear and its gradient at ragged sizes, up and down",
                 "[kernels][resize_bilinear][backward]") {
  for (const auto& [h, w, out_h, out_w] : {std::array{1, 1, 1, 1},
                                           {1, 1, 4, 3},
                                           {4, 3, 1, 1},
                                           {1, 7, 1, 13},
                                           {7, 1, 4, 2},
                                           {13, 9, 26, 18},
                                           {7, 5, 13, 9},
                                           {13, 7, 25, 13},
                                           {25, 13, 13, 25},
                                           {30, 11, 7, 3},
                                           {6, 5, 6, 5},
                                           {2, 3, 17, 23}})
    check({1, h, w, 3, out_h, out_w});
  for (const std::int64_t channels : {1, 8, 17}) check({3, 5, 4, channels, 9, 7});
  check({1, 2, 20, 9, 3, 41});  // rows longer than a thread block
}

TEST_CASE("outputs_of returns exactly the outputs an input contributes to", "[kernels][resize_bilinear]") {
  for (std::int64_t in = 1; in < 20; ++in) {
    for (std::int64_t out = 1; out < 40; ++out) {
      INFO(in << " to " << out);
      for (std::int64_t input = 0; input < in; ++input) {
        const kernels::ResizeOutputs range = kernels::outputs_of(in, out, input);
        for (std::int64_t k = 0; k < out; ++k) {
          const bool contributes = kernels::resize_taps(in, out, k).weight(input) > 0;
          if (contributes != (k >= range.begin && k < range.end))
            FAIL_CHECK("input " << input << ", output " << k);
        }
      }
    }
  }
  SUCCEED();
}

}  // namespace
}  // namespace sapnet::tests
