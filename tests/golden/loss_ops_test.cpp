// The losses on features and logits and their gradients against PyTorch (make_loss_ops.py).
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "engine/ops/feature_contrast.h"
#include "engine/ops/feature_distance.h"
#include "engine/ops/focal.h"
#include "engine/tape.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"
#include "tests/kernels/feature_distance_tolerance.h"

namespace sapnet::tests {
namespace {

using engine::Device;
using engine::DType;
using engine::Parameter;
using engine::Tensor;

/// A power of two, so exact, and small enough that all weighted gradients fit into fp16.
constexpr float kLossWeight = 0.5F;

const std::vector<float>& golden(const std::string& name) {
  static const engine::Parameters parameters = read_golden("loss_ops.safetensors", "");
  return find(parameters, name).values;
}

struct Place {
  Device device = Device::kCpu;
  DType maps = DType::kFloat32;
};

/// The golden map with that name and number of channels, stored as `maps`. Its other extents do not matter.
Tensor map(const std::string& name, std::int64_t channels, const Place& place) {
  const std::vector<float>& values = golden(name);
  const engine::Shape shape = {2, 3, 5, channels};
  return engine::visit_dtype(place.maps, [&]<class T>(T) {
    std::vector<T> converted;
    for (const float value : values) converted.push_back(kernels::to_storage<T>(value));
    return engine::from_host(std::span<const T>(converted), shape, place.device);
  });
}

std::vector<double> expected_gradient(const std::string& name) {
  std::vector<double> gradient = to_doubles(golden(name + ".gradient"));
  for (double& value : gradient) value *= static_cast<double>(kLossWeight);
  return gradient;
}

/// loss: a function of `input`.
template <class Loss>
void check(const std::string& name, Tensor input, const Loss& loss, double value_tolerance,
           const std::vector<double>& gradient_tolerance) {
  INFO(name << ", " << engine::to_string(input.dtype()));
  const std::vector<double> expected = to_doubles(golden(name + ".value"));
  const auto check_value = [&](const Tensor& value) {
    REQUIRE((value.shape() == engine::Shape{1, 1, 1, 1}));
    check_close("value", {1}, to_vector(value), expected, std::vector{value_tolerance});
  };
  check_value(loss(input));
  input.track();
  check_value(loss(input));
  engine::Tape tape;
  const Tensor value = loss(input);
  check_value(value);
  tape.backward(std::array{engine::Tape::Term{value, engine::scalar(kLossWeight, value.device())}});
  const Tensor& gradient = *input.gradient();
  REQUIRE(gradient);
  const engine::Shape& shape = gradient.shape();
  CHECK((shape == input.shape()));
  CHECK(gradient.dtype() == input.dtype());
  check_close("gradient", {shape.n, shape.h, shape.w, shape.c}, to_vector(gradient), expected_gradient(name),
              gradient_tolerance);
}

void check_feature_contrast(const Place& place) {
  for (const char* which : {"random", "some_equal", "clean", "rainy", "all_equal"}) {
    const std::string name = std::string("feature_contrast.") + which;
    const auto features = [&](const char* image) { return map(name + "." + image, 6, place); };
    const Tensor clean = features("clean"), rainy = features("rainy");
    // A few operations on two terms; the largest gradient has at least one.
    std::vector<double> tolerance = expected_gradient(name);
    double largest = 0;
    for (const double value : tolerance) largest = std::max(largest, std::abs(value));
    for (double& value : tolerance)
      value = rounding(2 * largest) + storage_rounding(place.maps, std::abs(value));
    check(
        name, features("derained"),
        [&](const Tensor& derained) { return engine::feature_contrast(derained, clean, rainy); },
        rounding(static_cast<double>(golden(name + ".value")[0])), tolerance);
  }
}

void check_feature_distance(const Place& place) {
  for (const char* which : {"random", "equal", "zero"}) {
    const std::string name = std::string("feature_distance.") + which;
    const std::vector<float>& weights = golden(name + ".weight");
    const Tensor clean = map(name + ".clean", 20, place),
                 weight = engine::from_host(weights, {1, 20, 1, 1}, place.device);
    const FeatureDistanceTolerance tolerance({2, 3, 5, 20}, to_doubles(golden(name + ".derained")),
                                             to_doubles(weights), static_cast<double>(kLossWeight));
    check(
        name, map(name + ".derained", 20, place),
        [&](const Tensor& derained) { return engine::feature_distance(derained, clean, weight); },
        tolerance.of_value(static_cast<double>(golden(name + ".value")[0])),
        tolerance.of_gradient(expected_gradient(name), place.maps));
  }
}

void check_focal(Device device) {
  for (const char* which :
       {"random", "cross_entropy", "gamma_2.5", "ties", "saturated", "saturated_cross_entropy"}) {
    const std::string name = std::string("focal.") + which;
    const auto& options = golden(name + ".options");
    std::vector<double> tolerance;
    for (const double value : expected_gradient(name)) tolerance.push_back(rounding(std::abs(value)));
    check(
        name, map(name + ".logits", 21, {device}),
        [&](const Tensor& logits) {
          return engine::focal(logits, {.gamma = static_cast<double>(options.at(0)),
                                        .alpha = static_cast<double>(options.at(1))});
        },
        rounding(static_cast<double>(golden(name + ".value")[0])), tolerance);
  }
}

TEST_CASE("the losses on features and logits and their gradients match PyTorch", "[golden][training]") {
  check_feature_contrast({});
  check_feature_distance({});
  check_focal(Device::kCpu);
}

TEST_CASE("the losses on features and logits and their gradients match PyTorch (gpu)",
          "[golden][training][gpu]") {
  if (!have_gpu()) return;
  for (const DType maps : {DType::kFloat32, DType::kFloat16}) {
    check_feature_contrast({Device::kCuda, maps});
    check_feature_distance({Device::kCuda, maps});
  }
  check_focal(Device::kCuda);
}

}  // namespace
}  // namespace sapnet::tests
