// The operations of VGG, ResNet and FPN and their gradients against PyTorch, on the same inputs.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/ops/batch_norm.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/resize_bilinear.h"
#include "engine/tape.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"
#include "tests/kernels/implementations.h"

namespace sapnet::tests {
namespace {

using engine::Device;
using engine::DType;
using engine::Half;
using engine::Tensor;

/// One golden case, with tensors on a device.
struct Golden {
  std::string name;
  Device device;
  DType maps;

  static const engine::Parameters& all() {
    static const engine::Parameters parameters = read_golden("vision_ops.safetensors", "");
    return parameters;
  }

  bool has(const std::string& part) const {
    return std::ranges::any_of(all().all(), [&](const auto& each) { return each.name == name + "." + part; });
  }

  const engine::Parameter& parameter(const std::string& part) const { return find(all(), name + "." + part); }

  engine::Shape shape(const std::string& part) const { return to_tensor(parameter(part)).shape(); }

  const std::vector<float>& values(const std::string& part) const { return parameter(part).values; }

  /// Map values are representable in fp16.
  Tensor map(const std::string& part) const {
    const Tensor on_cpu = to_tensor(parameter(part));
    if (maps == DType::kFloat32) return on_device(on_cpu, device);
    std::vector<Half> halves;
    for (const float value : values(part)) halves.push_back(kernels::to_half(value));
    return from_host(halves, on_cpu.shape(), device);
  }
};

/// Calls check(golden) for cases 0 to count - 1 of an operation and every storage type that the device
/// supports.
template <class Check>
void for_each_case(const std::string& op, int count, Device device, const Check& check) {
  if (device == Device::kCuda && !have_gpu()) return;
  for (const DType maps : {DType::kFloat32, DType::kFloat16}) {
    if (device == Device::kCpu && maps == DType::kFloat16) continue;
    for (int index = 0; index < count; ++index) {
      const Golden golden{op + "." + std::to_string(index), device, maps};
      INFO(golden.name << " in " << to_string(maps));
      check(golden);
    }
  }
}

/// Runs the backward pass from `out` with the golden gradient.
void run_backward(engine::Tape& tape, const Golden& golden, const Tensor& out) {
  *out.gradient() = golden.map("output_gradient");
  tape.backward({});
}

double largest(const std::vector<float>& values) {
  double limit = 0;
  for (const float value : values) limit = std::max(limit, std::abs(static_cast<double>(value)));
  return limit;
}

void check_tensor(const Golden& golden, const std::string& part, const Tensor& actual, double tolerance) {
  const engine::Shape& shape = actual.shape();
  const std::vector<float>& expected = golden.values(part);
  check_close(part, {shape.n, shape.h, shape.w, shape.c}, to_vector(actual), to_doubles(expected),
              std::vector<double>(expected.size(), tolerance));
}

void check_max_pool(Device device) {
  for_each_case("max_pool", 2, device, [](const Golden& golden) {
    const std::vector<float>& geometry = golden.values("geometry");
    const auto number = [&](std::size_t k) { return static_cast<std::int64_t>(geometry.at(k)); };
    const engine::MaxPoolGeometry steps{number(0), number(1), number(2)};
    Tensor x = golden.map("input");
    check_same_bits("without a tape", to_vector(max_pool(x, steps)), golden.values("output"));
    x.track();
    engine::Tape tape;
    const Tensor out = max_pool(x, steps);
    check_same_bits("output", to_vector(out), golden.values("output"));
    run_backward(tape, golden, out);
    check_same_bits("gradient", to_vector(*x.gradient()), golden.values("input_gradient"));
  });
}

TEST_CASE("max_pool agrees with PyTorch", "[golden][max_pool]") { check_max_pool(Device::kCpu); }
TEST_CASE("max_pool agrees with PyTorch (gpu)", "[golden][max_pool][gpu]") { check_max_pool(Device::kCuda); }

void check_resize(Device device) {
  for_each_case("resize_bilinear", 6, device, [](const Golden& golden) {
    Tensor x = golden.map("input"), residual;
    if (golden.has("residual")) residual = golden.map("residual");
    x.track();
    if (residual) residual.track();
    engine::Tape tape;
    const Tensor out = resize_bilinear(x, golden.shape("output").h, golden.shape("output").w, residual);
    // As in tests/kernels/resize_bilinear_test.cpp: the interpolation, within the largest input, and the
    // residual.
    check_tensor(golden, "output", out,
                 2 * storage_rounding(golden.maps, largest(golden.values("input")) +
                                                       (residual ? largest(golden.values("residual")) : 0)));
    run_backward(tape, golden, out);
    // An input's weights sum to the outputs per input, and to less than one more at a border, along either
    // axis.
    const auto gain = [&](std::int64_t in, std::int64_t result) {
      return static_cast<double>(result) / static_cast<double>(in) + 1;
    };
    const engine::Shape& from = x.shape();
    const double size =
        gain(from.h, out.shape().h) * gain(from.w, out.shape().w) * largest(golden.values("output_gradient"));
    check_tensor(golden, "input_gradient", *x.gradient(), 2 * storage_rounding(golden.maps, size));
    if (residual)
      check_same_bits("residual's gradient", to_vector(*residual.gradient()),
                      golden.values("output_gradient"));
  });
}

TEST_CASE("resize_bilinear agrees with PyTorch", "[golden][resize_bilinear]") { check_resize(Device::kCpu); }
TEST_CASE("resize_bilinear agrees with PyTorch (gpu)", "[golden][resize_bilinear][gpu]") {
  check_resize(Device::kCuda);
}

void check_batch_norm(Device device) {
  for_each_case("batch_norm", 4, device, [](const Golden& golden) {
    Tensor x = golden.map("input"), residual;
    if (golden.has("residual")) residual = golden.map("residual");
    x.track();
    if (residual) residual.track();
    const auto of_channels = [&](const std::string& part) {
      return on_device(to_tensor(golden.parameter(part)), golden.device);
    };
    const Tensor gamma = of_channels("gamma"), beta = of_channels("beta");
    engine::Tape tape;
    const Tensor out =
        batch_norm(x, gamma, beta, {.relu = golden.values("relu").at(0) > 0, .residual = residual});
    // Tolerances as in tests/kernels/batch_norm_test.cpp, for the worst channel. Standard deviations are at
    // least 0.05, minus the sampling error of so few values; inputs are at most `largest` from 0.
    const double inv_std = 1 / 0.04, size = 2 * largest(golden.values("input")) * inv_std;
    const double scale = largest(golden.values("gamma"));
    const double rest = largest(golden.values("beta")) + (residual ? largest(golden.values("residual")) : 0);
    const double fp16 = golden.maps == DType::kFloat16 ? 1 : 0;
    check_tensor(golden, "output", out,
                 rounding(scale * size + rest) +
                     fp16 * storage_rounding(golden.maps, largest(golden.values("output"))));
    run_backward(tape, golden, out);
    constexpr double kLargest = 6;  // bound of |x̂| for fewer than 200 normally distributed values
    const double by_gradient = scale * inv_std * largest(golden.values("output_gradient"));
    check_tensor(golden, "input_gradient", *x.gradient(),
                 by_gradient * (rounding(2 + kLargest) + (1 + kLargest) * rounding(size)) +
                     fp16 * storage_rounding(golden.maps, largest(golden.values("input_gradient"))));
    if (residual)
      check_same_bits("residual's gradient", to_vector(*residual.gradient()),
                      golden.values("residual_gradient"));
  });
}

TEST_CASE("batch_norm agrees with PyTorch", "[golden][batch_norm]") { check_batch_norm(Device::kCpu); }
TEST_CASE("batch_norm agrees with PyTorch (gpu)", "[golden][batch_norm][gpu]") {
  check_batch_norm(Device::kCuda);
}

}  // namespace
}  // namespace sapnet::tests
