#include "kernels/max_pool/max_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"
#include "tests/reference/max_pool.h"
#include "tests/reference/numeric_gradient.h"

namespace sapnet::tests {
namespace {

using kernels::MaxPoolProblem;

std::string words_of(const MaxPoolProblem& p) {
  return std::to_string(p.n) + "×" + std::to_string(p.h) + "×" + std::to_string(p.w) + "×" +
         std::to_string(p.c) + ", kernel " + std::to_string(p.kernel) + ", stride " +
         std::to_string(p.stride) + ", padding " + std::to_string(p.padding);
}

/// The packed argmax, as floats with those bits, the element type of the test arrays.
std::vector<float> packed(const MaxPoolProblem& p, const std::vector<int>& positions) {
  const std::size_t channels = static_cast<std::size_t>(p.c), bits = p.kernel == 2 ? 2 : 4;
  const std::size_t words = (channels * bits + 31) / 32;
  std::vector<std::uint32_t> all(positions.size() / channels * words);
  for (std::size_t k = 0; k < positions.size(); ++k)
    all[k / channels * words + k % channels * bits / 32] |= static_cast<std::uint32_t>(positions[k])
                                                            << k % channels * bits % 32;
  std::vector<float> floats;
  for (const std::uint32_t word : all) floats.push_back(std::bit_cast<float>(word));
  return floats;
}

/// Values are copied, so outputs and argmax must be bitwise equal. Input values must be representable in all
/// storage types.
void check_forward(const MaxPoolProblem& p, const std::vector<float>& in) {
  INFO(words_of(p));
  const reference::Pooled expected = reference::max_pool(p, doubles(in));
  const std::vector<float> out(expected.out.begin(), expected.out.end()), argmax = packed(p, expected.argmax);
  REQUIRE(out.size() == static_cast<std::size_t>(p.n * p.out_h() * p.out_w() * p.c));
  for (const Implementation* implementation : implementations(Variants::kSimd)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray ins(in), outs(out.size()), alone(out.size()), words(argmax.size());
      implementation->run(
          OPERATION(max_pool), p,
          kernels::MaxPoolArguments<>{.in = ins.data(),
                                      .out = outs.data(),
                                      .argmax = reinterpret_cast<std::uint32_t*>(words.data())});
      implementation->run(
          OPERATION(max_pool), p,
          kernels::MaxPoolArguments<>{.in = ins.data(), .out = alone.data(), .argmax = nullptr});
      return std::vector<std::vector<float>>{copy(outs), copy(words), copy(alone)};
    });
    check_same_bits("out", written[0], out);
    check_same_bits("argmax", written[1], argmax);
    check_same_bits("out without argmax", written[2], out);
  }
}

/// Against the numerical derivative. The inputs are distinct integers, away from kinks; the outputs'
/// gradients are multiples of 1/4, which even fp16 sums exactly, so only the multiple of 1/4 nearest to the
/// derivative is accepted.
void check_backward(const MaxPoolProblem& p) {
  INFO(words_of(p));
  std::vector<double> in(static_cast<std::size_t>(p.n * p.h * p.w * p.c));
  for (std::size_t k = 0; k < in.size(); ++k) in[k] = static_cast<double>(k);
  std::mt19937 generator(1);
  for (std::size_t k = in.size() - 1; k > 0; --k) std::swap(in[k], in[generator() % (k + 1)]);
  const reference::Pooled pooled = reference::max_pool(p, in);
  const auto argmax = packed(p, pooled.argmax);
  std::vector<float> dout;
  for (std::size_t k = 0; k < pooled.out.size(); ++k)
    dout.push_back(0.25F * static_cast<float>(generator() % 32) - 4);
  auto expected = reference::numeric_gradient(in, [&](const std::vector<double>& x) {
    return reference::dot(doubles(dout), reference::max_pool(p, x).out);
  });
  for (double& derivative : expected) {
    const double quarters = std::round(4 * derivative) / 4;
    REQUIRE(std::abs(derivative - quarters) < 0.01);
    derivative = quarters;
  }
  for (const Implementation* implementation : implementations(Variants::kSimd)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray douts(dout), words(argmax), din(in.size());
      implementation->run(
          OPERATION(max_pool_backward), p,
          kernels::MaxPoolBackwardArguments<>{.dout = douts.data(),
                                              .argmax = reinterpret_cast<std::uint32_t*>(words.data()),
                                              .din = din.data()});
      return std::vector<std::vector<float>>{copy(din)};
    });
    check_close("din", {p.n, p.h, p.w, p.c}, written[0], expected, std::vector<double>(in.size()));
  }
}

/// As used in networks: VGG's, and ResNet's first.
std::vector<MaxPoolProblem> problems(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  std::vector<MaxPoolProblem> all;
  for (const MaxPoolProblem& p : {MaxPoolProblem{n, h, w, c, 2, 2, 0}, MaxPoolProblem{n, h, w, c, 3, 2, 1}})
    if (p.out_h() > 0 && p.out_w() > 0) all.push_back(p);
  return all;
}

KERNEL_TEST_CASE("max_pool at ragged sizes", "[kernels][max_pool]") {
  const auto check = [](const MaxPoolProblem& p) {
    check_forward(p, stored(random_values(p.n * p.h * p.w * p.c, 1), engine::DType::kFloat16));
  };
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {2, 2}, {2, 3}, {17, 23}, {16, 24}})
    for (const auto& p : problems(1, h, w, 5)) check(p);
  for (const std::int64_t channels : {1, 7, 8, 9, 16, 17, 64, 70})
    for (const auto& p : problems(3, 5, 6, channels)) check(p);
  // Rows longer than a thread block, and the geometries in between.
  for (const auto& p : problems(1, 3, 75, 20)) check(p);
  check({2, 8, 9, 3, 2, 2, 1});
  check({2, 8, 9, 3, 3, 2, 0});
  check({1, 8, 9, 3, 3, 1, 1});
  check({1, 9, 11, 3, 2, 3, 0});
}

KERNEL_TEST_CASE("the first of equal values wins in max_pool, as in PyTorch", "[kernels][max_pool]") {
  for (const auto& p : problems(2, 13, 9, 19)) {
    std::mt19937 generator(2);
    std::vector<float> in(static_cast<std::size_t>(p.n * p.h * p.w * p.c));
    for (float& value : in) value = std::array{-1.0F, -0.0F, 0.0F}[generator() % 3];
    check_forward(p, in);
    // With minus infinity everywhere, zero padding would win.
    std::ranges::fill(in, -std::numeric_limits<float>::infinity());
    check_forward(p, in);
  }
}

KERNEL_TEST_CASE("the last NaN wins in max_pool, as in PyTorch", "[kernels][max_pool]") {
  for (const auto& p : problems(2, 13, 9, 19)) {
    auto in = random_values(p.n * p.h * p.w * p.c, 3);
    std::mt19937 generator(4);
    for (float& value : in)
      if (generator() % 4 == 0) value = std::numeric_limits<float>::quiet_NaN();
    check_forward(p, stored(in, engine::DType::kFloat16));
  }
}

KERNEL_TEST_CASE("max_pool backward", "[kernels][max_pool][backward]") {
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {7, 1}, {2, 3}, {13, 9}, {8, 12}})
    for (const auto& p : problems(1, h, w, 3)) check_backward(p);
  for (const std::int64_t channels : {1, 8, 9, 16, 17})
    for (const auto& p : problems(3, 5, 4, channels)) check_backward(p);
  for (const auto& p : problems(1, 2, 30, 10)) check_backward(p);
  check_backward({2, 6, 7, 3, 2, 2, 1});
  check_backward({2, 6, 7, 3, 3, 2, 0});
  check_backward({1, 6, 7, 3, 3, 1, 1});
  check_backward({1, 9, 8, 3, 2, 3, 0});
}

}  // namespace
}  // namespace sapnet::tests
