#include "kernels/adam/adam.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"
#include "tests/kernels/repeat.h"

namespace sapnet::tests {
namespace {

/// loss_scale: of the gradients. clip: relative to their norm, 0 for no clipping. ema_decay: 0 for no EMA.
void check(std::int64_t count, double learning_rate, double loss_scale = 1, double clip = 0,
           double ema_decay = 0) {
  INFO(count << " numbers, learning rate " << learning_rate << ", gradients times " << loss_scale
             << ", clipped to " << clip << ", EMA decay " << ema_decay);
  constexpr int kSteps = 3;
  const auto size = static_cast<std::size_t>(count);
  const auto start = random_values(count, 1);
  std::vector<std::vector<float>> gradients;
  for (std::uint32_t step = 1; step <= kSteps; ++step)
    gradients.push_back(random_values(count, 1 + step, 0.01F));
  gradients[0][0] = 0;  // a weight with zero gradient in the first step

  constexpr double kNorm = 8;  // Adam uses the norm it is given
  const double scale = (clip > 0 && clip < 1 ? clip : 1) / loss_scale;
  std::vector<double> values(start.begin(), start.end()), m(size), v(size), ema = values;
  for (int step = 1; step <= kSteps; ++step) {
    for (std::size_t k = 0; k < size; ++k) {
      const auto g = scale * static_cast<double>(gradients[static_cast<std::size_t>(step) - 1][k]);
      m[k] = 0.9 * m[k] + (1 - 0.9) * g;
      v[k] = 0.999 * v[k] + (1 - 0.999) * g * g;
      const double mean = m[k] / (1 - std::pow(0.9, step)), square = v[k] / (1 - std::pow(0.999, step));
      values[k] -= learning_rate * mean / (std::sqrt(square) + 1e-8);
      const double decay = std::min(ema_decay, step / (9.0 + step));  // n = step - 1
      ema[k] = decay * ema[k] + (1 - decay) * values[k];
    }
  }

  for (const Implementation* implementation : implementations(Variants::kOne)) {
    INFO(implementation->name());
    const auto written = run_repeatedly([&] {
      GuardedArray moving(start), first{std::vector<float>(size)}, second{std::vector<float>(size)},
          average(start);
      for (int step = 1; step <= kSteps; ++step) {
        GuardedArray gradient(gradients[static_cast<std::size_t>(step) - 1]);
        using Floats = std::array<float, sizeof(kernels::AdamFactors) / sizeof(float)>;
        GuardedArray factors(std::bit_cast<Floats>(kernels::adam_factors({.step = step,
                                                                          .learning_rate = learning_rate,
                                                                          .loss_scale = loss_scale,
                                                                          .clip = clip * kNorm / loss_scale,
                                                                          .ema_decay = ema_decay})));
        const std::vector<float> finite = {kNorm, 5};
        const auto update = [&](const std::vector<float>& numbers) {
          GuardedArray checked(numbers);
          implementation->run(
              OPERATION(adam), count,
              kernels::AdamArguments{.factors = reinterpret_cast<const kernels::AdamFactors*>(factors.data()),
                                     .values = moving.data(),
                                     .gradients = gradient.data(),
                                     .first_moments = first.data(),
                                     .second_moments = second.data(),
                                     .ema = ema_decay > 0 ? average.data() : nullptr,
                                     .checked = checked.data(),
                                     .checks = static_cast<std::int64_t>(numbers.size())});
        };
        update(finite);
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        for (const auto& endless :
             {std::vector<float>{kInfinity, 5}, {kNorm, -kInfinity}, {NAN, 5}, {kNorm, NAN}})
          update(endless);  // must change nothing
      }
      return std::vector<std::vector<float>>{copy(moving), copy(first), copy(second), copy(average)};
    });
    // A step is at most a few learning rates long and takes a dozen fp32 operations.
    const std::vector<double> tolerance(size, kSteps * rounding(1 + 10 * learning_rate));
    check_close("values", {count}, written[0], values, tolerance);
    check_close("first moments", {count}, written[1], m, std::vector<double>(size, kSteps * rounding(0.01)));
    check_close("second moments", {count}, written[2], v, std::vector<double>(size, kSteps * rounding(1e-6)));
    if (ema_decay > 0)  // an average of values with this tolerance
      check_close("EMA", {count}, written[3], ema, tolerance);
  }
}

KERNEL_TEST_CASE("adam over three steps", "[kernels][adam]") {
  for (const std::int64_t count : {1, 7, 3000}) check(count, 1e-3);
  check(100, 0.1);
  check(100, 1e-3, 4);
  check(100, 1e-3, 1, 0.25);
  check(100, 1e-3, 4, 0.25);
  check(100, 1e-3, 4, 1.5);  // larger than the norm
}

KERNEL_TEST_CASE("adam with an EMA of the values", "[kernels][adam]") {
  for (const std::int64_t count : {1, 7, 3000}) check(count, 1e-3, 1, 0, 0.999);  // d limited by the ramp
  check(100, 0.1, 1, 0, 0.15);  // d reaches ema_decay at step 2
  check(100, 1e-3, 4, 0.25, 0.999);
}

TEST_CASE("the decay of Adam's EMA grows with the steps up to ema_decay", "[kernels][adam]") {
  const auto decay = [](std::int64_t step, double asked) {
    return 1 - static_cast<double>(kernels::adam_factors({.step = step, .ema_decay = asked}).ema_new);
  };
  CHECK(decay(1, 0.999) == Approx(0.1));
  CHECK(decay(91, 0.999) == Approx(0.91));
  CHECK(decay(100000, 0.999) == Approx(0.999));
  CHECK(decay(1, 0.05) == Approx(0.05));
}

TEST_CASE("adam over more elements than one CPU job", "[kernels][adam]") {
  test_kernels(engine::Device::kCpu, [] { check(40000, 1e-3); });
}

}  // namespace
}  // namespace sapnet::tests
